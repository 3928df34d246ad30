// Accepted sockets that all read into one block, as upstream sockets do by net.connect's `onread`: no buffer a read, and
// none of a stream's reading side. Node has no public way to say so for accepted sockets, so this file takes the way that
// net.Server itself goes (a Socket made from a handle); where a Node has it no more, the socket is used as it came.

import { Socket, type OnReadOpts } from 'node:net';

const BLOCK_BYTES = 64 * 1024;
/** Read into by every connection in turn: valid within the call that brings it. */
const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
const KEPT_VIEWS = 2048;
/** By length; made when first needed. */
const views = new Array<Buffer | undefined>(KEPT_VIEWS).fill(undefined);

export interface BlockReader {
  /** `bytes` is valid within this call only. */
  onBlock(bytes: Buffer): void;
}

export interface SharedBlockSocket {
  readonly socket: Socket;
  /** Who gets what is read; undefined where it comes by 'data' events, in buffers of their own. */
  readonly source: { reader: BlockReader | undefined } | undefined;
}

/** The first octets of the block. Requests are about as long as each other, and a view costs more than what it shows. */
function viewOf(length: number): Buffer {
  if (length >= KEPT_VIEWS) return block.subarray(0, length);
  return (views[length] ??= block.subarray(0, length));
}

interface WithHandle {
  _handle?: object | null;
}

/** `accepted` must not have been read from: its server has `pauseOnConnect`. */
export function shareBlock(accepted: Socket): SharedBlockSocket {
  const outer = accepted as Socket & WithHandle;
  const handle = outer._handle;
  if (handle === undefined || handle === null) return asItCame(accepted);
  const source: SharedBlockSocket['source'] = { reader: undefined };
  const onread: OnReadOpts = {
    buffer: block,
    callback: (length) => {
      source.reader!.onBlock(viewOf(length));
      return true;
    },
  };
  const options = { handle, allowHalfOpen: true, onread };
  const socket = new Socket(options);
  if ((socket as WithHandle)._handle !== handle) return asItCame(accepted);
  outer._handle = null;
  return { socket, source };
}

function asItCame(socket: Socket): SharedBlockSocket {
  socket.resume();
  return { socket, source: undefined };
}
