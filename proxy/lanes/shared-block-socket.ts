// Accepted sockets that read into a block of ours, as upstream sockets do by net.connect's `onread`: no buffer a read, and
// none of a stream's reading side. Node has no public way to say so for accepted sockets, so this file takes the way that
// net.Server itself goes (a Socket made from a handle); where a Node has it no more, the socket is used as it came.

import { Socket, type OnReadOpts } from 'node:net';
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
  readonly socket: Socket;
  /** Undefined where octets come by 'data' events, in buffers of their own. */
  readonly source: BlockSource | undefined;
}

interface WithHandle {
  _handle?: object | null;
}

/** `accepted` must not have been read from: its server has `pauseOnConnect`. */
export function shareBlock(accepted: Socket): SharedBlockSocket {
  const outer = accepted as Socket & WithHandle;
  const handle = outer._handle;
  if (handle === undefined || handle === null) return asItCame(accepted);
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
  if ((socket as WithHandle)._handle !== handle) return asItCame(accepted);
  block.begin();
  outer._handle = null;
  return { socket, source };
}

function asItCame(socket: Socket): SharedBlockSocket {
  socket.resume();
  return { socket, source: undefined };
}
