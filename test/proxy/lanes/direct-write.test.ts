import { once } from 'node:events';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { tryDirectWrite } from '../../../proxy/lanes/direct-write.js';
import { connectedPair } from '../../support/connected-pair.js';

let near: Socket;
let far: Socket;

beforeEach(async () => {
  ({ near, far } = await connectedPair());
});

afterEach(() => {
  near.destroy();
  far.destroy();
});

interface WithHandle {
  readonly _handle: { writeBuffer(request: object, content: Buffer): number };
}

/** Its handle as it is when the kernel takes a part at first, and the rest when it is tried again: nothing is queued then. */
function withEmptyQueue(socket: Socket): Socket {
  const { _handle: handle } = socket as unknown as WithHandle;
  const writeBuffer = (request: object, content: Buffer) => handle.writeBuffer(request, content);
  const own = { writeBuffer: { value: writeBuffer }, writeQueueSize: { value: 0 } };
  return { _handle: Object.create(handle, own) as object } as unknown as Socket;
}

/** What `onWritten` was called with, in order. */
function written(): { readonly calls: (Error | undefined)[]; readonly note: (error?: Error | null) => void } {
  const calls: (Error | undefined)[] = [];
  return { calls, note: (error) => void calls.push(error ?? undefined) };
}

test('what the kernel takes whole is written within the call', async () => {
  const { calls, note } = written();
  expect(tryDirectWrite(near, 'text \xe9 ', note)).toBe(true);
  expect(tryDirectWrite(near, Buffer.from('octets'), note)).toBe(true);
  expect(calls).toEqual([undefined, undefined]);
  expect(near.bytesWritten).toBe(13);
  near.end();
  expect(Buffer.concat(await far.toArray()).toString('latin1')).toBe('text \xe9 octets');
});

test.each([
  ['text', 'x'.repeat(32 * 1024 * 1024)],
  ['octets', Buffer.alloc(32 * 1024 * 1024, 'x')],
])('%s that the kernel does not take at once are under way, and others are written meanwhile', async (_, content) => {
  const other = await connectedPair();
  const { calls, note } = written();
  expect(tryDirectWrite(near, content, note)).toBe(true);
  expect(calls).toEqual([]);
  const others = written();
  expect(tryDirectWrite(other.near, 'between', others.note)).toBe(true);
  expect(others.calls).toEqual([undefined]);
  const ended = new Promise<void>((resolve) => {
    near.once('finish', resolve);
  });
  near.end();
  expect((await text(far.resume())).length).toBe(content.length);
  await ended;
  expect(calls).toEqual([undefined]);
  other.near.end();
  expect(await text(other.far.resume())).toBe('between');
});

test('a write that has left nothing in the queue is under way until its end is told, and disturbs no other', async () => {
  const content = Buffer.alloc(32 * 1024 * 1024, 'x');
  const { calls, note } = written();
  expect(tryDirectWrite(withEmptyQueue(near), content, note)).toBe(true);
  expect(calls).toEqual([]);
  const other = await connectedPair();
  const others = written();
  expect(tryDirectWrite(other.near, content, others.note)).toBe(true);
  expect(others.calls).toEqual([]);
  const first = text(far.resume());
  const second = text(other.far.resume());
  near.end();
  other.near.end();
  expect([(await first).length, (await second).length]).toEqual([content.length, content.length]);
  expect([calls, others.calls]).toEqual([[undefined], [undefined]]);
});

test('what is under way on a connection that is destroyed ends with it', async () => {
  const { calls, note } = written();
  tryDirectWrite(near, 'x'.repeat(32 * 1024 * 1024), note);
  near.destroy();
  await once(near, 'close');
  expect(calls).toHaveLength(1);
});

test('what the kernel refuses is told as Node would', () => {
  near.on('error', () => undefined);
  const { calls, note } = written();
  // At once: the loop has no chance to tell the socket first.
  far.resetAndDestroy();
  expect(tryDirectWrite(near, 'x', note)).toBe(true);
  expect(calls).toEqual([expect.objectContaining({ syscall: 'write' })]);
  expect(calls[0]!.message).toMatch(/^write (ECONNRESET|EPIPE)$/);
});

test('nothing happens where there is no handle', () => {
  const { calls, note } = written();
  expect(tryDirectWrite(new Socket(), 'x', note)).toBe(false);
  near.destroy();
  expect(tryDirectWrite(near, 'x', note)).toBe(false);
  expect(calls).toEqual([]);
});
