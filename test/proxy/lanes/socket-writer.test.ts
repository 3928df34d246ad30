import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { SocketWriter } from '../../../proxy/lanes/socket-writer.js';
import { WriteTurn } from '../../../proxy/lanes/write-turn.js';

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
