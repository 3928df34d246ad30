// A small write straight to a connection's handle. Node makes an object for each write, with places for its C++ side and six
// properties, although the kernel takes nearly every small write at once and nobody looks at that object again: a fifth of
// a small request's garbage. Here one object serves until a write is really under way, which Node then ends as its own.
//
// Whether it is can't be told by what is left in the handle's queue: a write of which the kernel has taken a part is tried
// again at once, and when the rest fits then, nothing is left, but the end is told in a later turn all the same. Until then
// the object belongs to that write: given to another one meanwhile it would end the process by an assertion in C++. So we
// rely on this: the C++ side of a write is made only when a first try did not take everything, is bound to the object before
// the call returns, and goes after `oncomplete`; and an object to which none is bound has no async id.
//
// This reaches below Node's public face; where a Node has it otherwise, nothing is written here, and the socket's `_write`
// is there for it.

import { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/** How a stream is told that a write is over. */
export type WriteCallback = (error?: Error | null) => void;

/** What a handle is given with a write, and calls when that was under way and has ended. */
interface WriteRequest {
  handle: StreamHandle | null;
  oncomplete: (status: number) => void;
  async: boolean;
  buffer: Buffer | null;
  callback: WriteCallback | null;
  /** That of the C++ side, or `UNBOUND`. */
  getAsyncId(): number;
}

/** Both return 0 or a negative errno; nothing of `content` has left then. */
interface StreamHandle {
  writeLatin1String(request: WriteRequest, content: string): number;
  writeBuffer(request: WriteRequest, content: Buffer): number;
}

const UNBOUND = -1;

const first = seeRequest();
let spare = first;

/**
 * Latin-1 text, or octets that stay as they are until they are written, over a TCP or Unix connection on which no other
 * write is under way. `onWritten` is called once: within this call if the kernel takes it whole, or refuses it.
 * @returns false where this can't be done; nothing has happened then
 */
export function tryDirectWrite(socket: Socket, content: string | Buffer, onWritten: WriteCallback): boolean {
  const handle = (socket as { _handle?: StreamHandle | null })._handle;
  if (spare === undefined || handle === null || handle === undefined) return false;
  const request = spare;
  const status =
    typeof content === 'string' ? handle.writeLatin1String(request, content) : handle.writeBuffer(request, content);
  if (status === 0 && request.getAsyncId() === UNBOUND) {
    onWritten();
    return true;
  }
  spare = anotherRequest();
  if (status !== 0) {
    onWritten(writeError(status));
    return true;
  }
  request.handle = handle;
  request.async = true;
  request.buffer = typeof content === 'string' ? null : content;
  request.callback = onWritten;
  return true;
}

/** One as Node makes them, seen by a handle that only looks. */
function seeRequest(): WriteRequest | undefined {
  let seen: Partial<WriteRequest> | undefined;
  const done = () => 0;
  const writeLatin1String = (request: WriteRequest) => {
    seen = request;
    return 0;
  };
  const handle = { readStart: done, readStop: done, close: done, writeLatin1String };
  const options = { handle, readable: false };
  try {
    new Socket(options)._write('', 'latin1', () => undefined);
  } catch {
    return undefined;
  }
  const isAsExpected =
    seen?.constructor.name === 'WriteWrap' &&
    typeof seen.oncomplete === 'function' &&
    typeof seen.getAsyncId === 'function' &&
    seen.getAsyncId() === UNBOUND;
  return isAsExpected ? (seen as WriteRequest) : undefined;
}

function anotherRequest(): WriteRequest {
  const request = new (first!.constructor as new () => WriteRequest)();
  request.oncomplete = first!.oncomplete;
  return request;
}

function writeError(status: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' });
}
