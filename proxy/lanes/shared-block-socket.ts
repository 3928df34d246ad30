// Accepted connections whose sockets read into a block of ours, as upstream sockets do by net.connect's `onread`: no buffer a
// read, and none of a stream's reading side. Node has no public way to say so for accepted ones, so this file takes the way
// that net.Server itself goes: a listening handle tells of a connection's handle, and a Socket is made of that. Making it
// once, as we need it, saves a connection of one request a tenth of its CPU. Where a Node has it otherwise, the socket that
// its server makes is used as it came.

import { Socket, type OnReadOpts, type Server } from 'node:net';
import { Duplex } from 'node:stream';
import { ReadBlock } from './read-block.js';

export interface BlockReader {
  /** `bytes` are valid within this call only, unless the block is `lasting`. */
  onBlock(bytes: Buffer): void;
}

/** Where a socket's octets come from, and who gets them. */
export interface BlockSource {
  readonly block: ReadBlock;
  reader: BlockReader | undefined;
}

export interface SharedBlockSocket {
  readonly socket: Duplex;
  /** Undefined where octets come by 'data' events, in buffers of their own. */
  readonly source: BlockSource | undefined;
}

/** A connection of which no socket has been made yet; nothing is read from it before. */
interface ConnectionHandle {
  setNoDelay?(on: boolean): number;
}

interface ListeningHandle {
  onconnection?: (this: ListeningHandle, status: number, handle?: ConnectionHandle) => void;
}

interface WithHandle {
  _handle?: ConnectionHandle | null;
}

/** A stream must not have been read from: its server has `pauseOnConnect`. */
export type Accepted = Duplex | ConnectionHandle;

/**
 * From now on the listening `server` tells `accept` of its connections instead of making sockets and 'connection' events of
 * them, where this Node can be told so.
 */
export function acceptHandles(server: Server, accept: (accepted: Accepted) => void): void {
  const listening = (server as Server & { _handle?: ListeningHandle | null })._handle;
  const acceptAsNode = listening?.onconnection;
  if (typeof acceptAsNode !== 'function') return;
  listening!.onconnection = function (status, handle) {
    if (status !== 0 || handle === undefined) return acceptAsNode.call(this, status, handle);
    handle.setNoDelay?.(true);
    accept(handle);
  };
}

export function shareBlock(accepted: Accepted): SharedBlockSocket {
  if (!(accepted instanceof Duplex)) return readInBlocks(accepted);
  const outer = accepted as Duplex & WithHandle;
  const handle = outer._handle;
  if (handle === undefined || handle === null) return asItCame(accepted);
  const shared = readInBlocks(handle);
  if ((shared.socket as WithHandle)._handle !== handle) return asItCame(accepted);
  outer._handle = null;
  return shared;
}

function readInBlocks(handle: ConnectionHandle): SharedBlockSocket {
  const block = new ReadBlock();
  const source: BlockSource = { block, reader: undefined };
  const onread: OnReadOpts = {
    buffer: () => block.next(),
    callback: (length) => {
      source.reader!.onBlock(block.view(length));
      return true;
    },
  };
  const options = { handle, allowHalfOpen: true, onread };
  const socket = new Socket(options);
  block.begin();
  return { socket, source };
}

function asItCame(socket: Duplex): SharedBlockSocket {
  socket.resume();
  return { socket, source: undefined };
}
