import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ChangingText } from '../../../proxy/lanes/changing-text.js';
import { SocketWriter } from '../../../proxy/lanes/socket-writer.js';
import { partOf } from '../../support/changing-part.js';
import { connectedPair } from '../../support/connected-pair.js';

/** Each write as text. */
function recordingWriter(): { readonly writer: SocketWriter; readonly written: readonly string[] } {
  const written: string[] = [];
  const write = (bytes: Buffer, _encoding: string, done: () => void) => {
    written.push(bytes.toString());
    done();
  };
  return { writer: new SocketWriter(new Writable({ write })), written };
}

test('everything leaves at once, in the order in which it was written', () => {
  const { writer, written } = recordingWriter();
  writer.writeText('a');
  writer.write(Buffer.from('b'));
  writer.writeCopy('c', Buffer.from('-d-'), 1, 2);
  writer.writeLasting(Buffer.from('e'));
  writer.writeText('f');
  const text = new ChangingText('g', 'i');
  writer.writeChanging(text, partOf('h'));
  writer.writeChanging(text, partOf('H'));
  writer.writeChanging(text, partOf('#'), Buffer.from('j'));
  expect(written).toEqual(['a', 'b', 'cd', 'e', 'f', 'ghi', 'gHi', 'g#ij']);
});

test('what is written between cork and uncork leaves in one piece', () => {
  const groups: string[][] = [];
  const writev = (pieces: { readonly chunk: Buffer }[], done: () => void) => {
    groups.push(pieces.map(({ chunk }) => chunk.toString()));
    done();
  };
  const writer = new SocketWriter(new Writable({ writev }));
  writer.cork();
  writer.writeText('head');
  writer.write(Buffer.from('body'));
  writer.writeText('tail');
  expect(groups).toEqual([]);
  writer.uncork();
  expect(groups).toEqual([['head', 'body', 'tail']]);
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

  test('text and octets behind it leave together, and are as they were when they came', async () => {
    const writer = new SocketWriter(near);
    const source = Buffer.from('-octets-');
    writer.writeText('first ');
    writer.writeCopy('head', source, 1, 7);
    source.fill('?');
    writer.writeCopy('', Buffer.from(' next'), 0, 5);
    writer.writeText(' last');
    near.end();
    expect(await text(far.resume())).toBe('first headoctets next last');
  });

  test('octets larger than the block are written too', async () => {
    const writer = new SocketWriter(near);
    const whole = Buffer.from('z'.repeat(200_000));
    writer.writeCopy('larger than the block ', whole, 0, whole.length);
    near.end();
    expect(await text(far.resume())).toBe(`larger than the block ${whole.toString()}`);
  });

  test('octets that a late reader has not taken are not overwritten by the next', async () => {
    const writer = new SocketWriter(near);
    const sent: string[] = [];
    while (!writer.full) {
      const line = Buffer.from(`${sent.length}:${'x'.repeat(10_000)}\n`);
      sent.push(line.toString());
      writer.writeCopy('', line, 0, line.length);
    }
    const other = await connectedPair();
    const otherWriter = new SocketWriter(other.near);
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

  test.each([
    ['', ''],
    [', with octets behind it,', 'y'.repeat(5_000)],
  ])('a changing text%s that a late reader has not taken is not changed for it by the next', async (_what, behind) => {
    const content = Buffer.from(behind);
    const changing = new ChangingText('<', `${'x'.repeat(10_000)}>`);
    const writer = new SocketWriter(near);
    const sent: string[] = [];
    while (!writer.full) {
      const part = String(sent.length).padStart(8, '0');
      sent.push(changing.text(part) + behind);
      writer.writeChanging(changing, partOf(part), content);
    }
    const other = await connectedPair();
    new SocketWriter(other.near).writeChanging(changing, partOf('another.'), content);
    other.near.end();
    expect(await text(other.far.resume())).toBe(changing.text('another.') + behind);
    near.end();
    expect(await text(far.resume())).toBe(sent.join(''));
  });

  test('order is kept, and nothing lost, where the other side reads late', async () => {
    const writer = new SocketWriter(near);
    const sent: string[] = [];
    // More than the kernel takes, by every way there is.
    while (!writer.full) {
      const line = `${sent.length}:${'x'.repeat(10_000)}\n`;
      sent.push(line);
      if (sent.length % 7 === 0) writer.write(Buffer.from(line));
      else writer.writeText(line);
    }
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
    const writer = new SocketWriter(near);
    // Larger than any send buffer: one write, most of it under way.
    const whole = 'x'.repeat(32 * 1024 * 1024);
    writer.writeText(whole);
    expect(near.writableLength).toBe(0);
    expect(writer.done).toBe(false);
    near.end();
    expect((await text(far.resume())).length).toBe(whole.length);
  });

  test('the end is told once the kernel has everything', async () => {
    const writer = new SocketWriter(near);
    const whole = 'x'.repeat(32 * 1024 * 1024);
    writer.writeText(whole);
    const flushed = new Promise<void>((resolve) => {
      writer.end(resolve);
    });
    expect((await text(far.resume())).length).toBe(whole.length);
    await flushed;
    expect(writer.done).toBe(true);
  });

  test('a connection that is to end behind what is under way can still be reset', async () => {
    const writer = new SocketWriter(near);
    writer.writeText('x'.repeat(32 * 1024 * 1024));
    writer.end();
    await setImmediate();
    // It fails where there is an error before.
    const closed = once(near, 'close');
    near.resetAndDestroy();
    await closed;
  });

  test('a write that fails ends the connection', async () => {
    const writer = new SocketWriter(near);
    const failed = new Promise<Error>((resolve) => near.once('error', resolve));
    far.resetAndDestroy();
    while (!near.destroyed) {
      writer.writeText('x');
      await setImmediate();
    }
    expect((await failed).message).toMatch(/ECONNRESET|EPIPE/);
    expect(writer.done).toBe(true);
  });
});
