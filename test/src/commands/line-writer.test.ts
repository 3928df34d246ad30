import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { lineWriter } from '../../../src/commands/terminal.js';

/** A terminal that was stopped: what is written stays where it is. */
class Stopped extends Writable {
  readonly isTTY = true;
  readonly blocking: boolean[] = [];
  readonly _handle = { setBlocking: (blocks: boolean) => void this.blocking.push(blocks) };
  taken = 0;

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken += bytes.length;
    if (this.taken === 0) done();
  }
}

test('a terminal that is stopped stops nobody, and makes nobody keep more than a megabyte', () => {
  const terminal = new Stopped();
  const write = lineWriter(terminal);
  for (let count = 0; count < 5_000; count++) write('x'.repeat(999));
  expect(terminal.blocking).toEqual([false]);
  expect(terminal.writableLength).toBeLessThan(1024 * 1024 + 1_000);
  expect(terminal.writableLength).toBeGreaterThan(1024 * 1024 - 1_000);
});
