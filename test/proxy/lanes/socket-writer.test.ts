import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SocketWriter } from '../../../proxy/lanes/socket-writer.js';
import { WriteTurn } from '../../../proxy/lanes/write-turn.js';
import { connectedPair } from '../../support/connected-pair.js';

let turn: WriteTurn;
let written: string[];

beforeEach(() => {
  turn = new WriteTurn();
  written = [];
});

/** Each write with the name of its socket. */
function writerOf(name: string): SocketWriter {
  const write = (bytes: Buffer, _encoding: string, done: () => void) => {
    written.push(`${name}:${bytes.toString()}`);
    done();
  };
  return new SocketWriter(new Writable({ write }), turn);
}

test('text waits for the end of the turn, and leaves in one piece for each socket', async () => {
  const [first, second] = [writerOf('first'), writerOf('second')];
  first.writeText('a');
  second.writeText('b');
  first.writeText('c');
  expect(written).toEqual([]);
  await setImmediate();
  expect(written).toEqual(['first:ac', 'second:b']);
});

test('nothing overtakes what waits', async () => {
  const writer = writerOf('one');
  writer.writeText('a');
  writer.write(Buffer.from('b'));
  writer.writeText('c');
  writer.writeLasting(Buffer.from('d'));
  writer.writeText('e');
  writer.flush();
  expect(written.join(' ')).toBe('one:a one:b one:c one:d one:e');
  await setImmediate();
  expect(written).toHaveLength(5);
});

test('what is written between cork and uncork leaves in one piece', () => {
  const groups: string[][] = [];
  const writev = (pieces: { readonly chunk: Buffer }[], done: () => void) => {
    groups.push(pieces.map(({ chunk }) => chunk.toString()));
    done();
  };
  const writer = new SocketWriter(new Writable({ writev }), turn);
  writer.cork();
  writer.writeText('head');
  writer.write(Buffer.from('body'));
  writer.writeText('tail');
  expect(groups).toEqual([]);
  writer.uncork();
  expect(groups).toEqual([['head', 'body', 'tail']]);
});

test('a lonely write leaves at once from the next time on', async () => {
  const writer = writerOf('one');
  writer.writeText('first');
  await setImmediate();
  writer.writeText('next');
  expect(written).toEqual(['one:first', 'one:next']);
});

test('writes wait again for each other soon after there are more of them', async () => {
  writerOf('lonely').writeText('.');
  await setImmediate();
  const writers = Array.from({ length: 40 }, (_, index) => writerOf(String(index)));
  for (const writer of writers) writer.writeText('.');
  const atOnce = written.length;
  expect(atOnce).toBeLessThan(40);
  await setImmediate();
  expect(written).toHaveLength(41);
  written = [];
  for (const writer of writers) writer.writeText('.');
  expect(written).toEqual([]);
  await setImmediate();
  expect(written).toHaveLength(40);
});

describe('on a connection', () => {
  let near: Socket;
  let far: Socket;

  beforeEach(async () => {
    ({ near, far } = await connectedPair());
  });

  afterEach(() => {
    near.destroy();
    far.destroy();
  });

  test('text and octets behind it wait for the end of the turn, and are as they were when they came', async () => {
    const others = ['a', 'b'].map(writerOf);
    const writer = new SocketWriter(near, turn);
    const source = Buffer.from('-octets-');
    for (const other of others) other.writeText('.');
    writer.writeText('first ');
    writer.writeCopy('head', source, 1, 7);
    source.fill('?');
    expect(near.bytesWritten).toBe(0);
    await setImmediate();
    writer.writeCopy('', Buffer.from(' next'), 0, 5);
    writer.writeText(' last');
    await setImmediate();
    near.end();
    expect(await text(far.resume())).toBe('first headoctets next last');
  });

  test('more octets in one turn than its block holds leave earlier', async () => {
    const writers = ['a', 'b'].map(writerOf);
    const writer = new SocketWriter(near, turn);
    const pieces = Array.from({ length: 60 }, (_, index) => `${index}:${'y'.repeat(5_000)}`);
    for (const other of writers) other.writeText('.');
    for (const piece of pieces) {
      writer.writeCopy('', Buffer.from(piece), 0, piece.length);
      // Where each has left before the next comes, the block is filled by those of many connections.
      writer.flush();
    }
    const whole = Buffer.from('z'.repeat(200_000));
    writer.writeCopy('larger than the block ', whole, 0, whole.length);
    await setImmediate();
    near.end();
    expect(await text(far.resume())).toBe(`${pieces.join('')}larger than the block ${whole.toString()}`);
  });

  test('octets that a late reader has not taken are not overwritten by the next', async () => {
    const writer = new SocketWriter(near, turn);
    const sent: string[] = [];
    while (!writer.full) {
      const line = Buffer.from(`${sent.length}:${'x'.repeat(10_000)}\n`);
      sent.push(line.toString());
      writer.writeCopy('', line, 0, line.length);
      writer.flush();
    }
    const other = await connectedPair();
    const otherWriter = new SocketWriter(other.near, turn);
    for (let index = 0; index < 20; index += 1) {
      const line = Buffer.alloc(10_000, 'o');
      otherWriter.writeCopy('', line, 0, line.length);
    }
    await setImmediate();
    near.end();
    expect(await text(far.resume())).toBe(sent.join(''));
    other.near.end();
    expect(await text(other.far.resume())).toBe('o'.repeat(200_000));
  });

  test('order is kept, and nothing lost, where the other side reads late', async () => {
    const writer = new SocketWriter(near, turn);
    const sent: string[] = [];
    // More than the kernel takes, by every way there is.
    while (!writer.full) {
      const line = `${sent.length}:${'x'.repeat(10_000)}\n`;
      sent.push(line);
      if (sent.length % 7 === 0) writer.write(Buffer.from(line));
      else writer.writeText(line);
      if (sent.length % 5 === 0) writer.flush();
    }
    writer.flush();
    expect(writer.done).toBe(false);
    const drained = once(near, 'drain');
    const received = text(far.resume());
    await drained;
    writer.writeText('end');
    await setImmediate();
    near.end();
    expect(await received).toBe(`${sent.join('')}end`);
    expect(writer.done).toBe(true);
  });

  test('what the kernel has not taken yet comes before the end of the connection', async () => {
    const writer = new SocketWriter(near, turn);
    // Larger than any send buffer: one write, most of it under way.
    const whole = 'x'.repeat(32 * 1024 * 1024);
    writer.writeText(whole);
    writer.flush();
    expect(near.writableLength).toBe(0);
    expect(writer.done).toBe(false);
    near.end();
    expect((await text(far.resume())).length).toBe(whole.length);
  });

  test('a write that fails ends the connection', async () => {
    const writer = new SocketWriter(near, turn);
    const failed = new Promise<Error>((resolve) => near.once('error', resolve));
    far.resetAndDestroy();
    while (!near.destroyed) {
      writer.writeText('x');
      writer.flush();
      await setImmediate();
    }
    expect((await failed).message).toMatch(/ECONNRESET|EPIPE/);
    expect(writer.done).toBe(true);
  });
});
