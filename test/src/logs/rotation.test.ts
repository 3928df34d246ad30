import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, type Logger } from '../../../src/core/log.js';
import { RotatingFile, type RotatingFileDeps } from '../../../src/logs/rotating-file.js';
import { WorkerLogRotation } from '../../../src/logs/worker-log-rotation.js';
import { ManualClock } from '../../support/manual-clock.js';

let folder: string;
let clock: ManualClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-rotation-'));
  clock = new ManualClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function text(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

describe('the rotation of worker logs', () => {
  function rotation(): WorkerLogRotation {
    const options = { logDir: folder, maxBytes: 5, keep: 2, everyMs: 1_000, backends: () => ['primary'] };
    return new WorkerLogRotation(options, { clock, log: silentLog });
  }

  test('leaves the file that the worker holds open in place, emptied', async () => {
    const held = openSync(join(folder, 'primary-1.log'), 'a');
    writeSync(held, 'first part\n');
    await rotation().rotateDue();
    writeSync(held, 'second\n');
    expect(text('primary-1.log')).toBe('second\n');
    expect(text('primary-1.log.1')).toBe('first part\n');
  });

  test('keeps so many generations, the oldest last', async () => {
    const rotating = rotation();
    for (const line of ['one....', 'two....', 'three..']) {
      appendFileSync(join(folder, 'primary-1.log'), line);
      await rotating.rotateDue();
    }
    expect(readdirSync(folder).sort()).toEqual(['primary-1.log', 'primary-1.log.1', 'primary-1.log.2']);
    expect([text('primary-1.log.1'), text('primary-1.log.2')]).toEqual(['three..', 'two....']);
  });

  test('looks again and again, and touches nothing that is small or not a worker log', async () => {
    const foreign = ['access.log', 'primary-0.log', 'train-20260501.log'];
    appendFileSync(join(folder, 'primary-1.log'), 'ok');
    for (const name of foreign) appendFileSync(join(folder, name), 'a long line of another writer');
    const rotating = rotation();
    rotating.start();
    await rotating.rotateDue();
    expect(readdirSync(folder).sort()).toEqual(['access.log', 'primary-0.log', 'primary-1.log', 'train-20260501.log']);
    appendFileSync(join(folder, 'primary-1.log'), ' no more');
    clock.advance(1_000);
    await rotating.rotateDue();
    expect(text('primary-1.log.1')).toBe('ok no more');
    rotating.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

test('one worker log that can not be rotated keeps no other from it', async () => {
  const [stuck, other] = ['primary-1.log', 'primary-2.log'].map((name) => join(folder, name));
  mkdirSync(stuck!);
  for (let index = 0; index < 200; index++)
    mkdirSync(join(stuck!, `a-name-that-makes-the-folder-itself-large-${index}`));
  appendFileSync(other!, 'more than it may have');
  const options = { logDir: folder, maxBytes: 5, keep: 2, everyMs: 1_000, backends: () => ['primary'] };
  const warned: unknown[] = [];
  const log = { ...silentLog, warn: (fields: unknown) => warned.push(fields) };
  await new WorkerLogRotation(options, { clock, log: log }).rotateDue();
  expect(text('primary-2.log.1')).toBe('more than it may have');
  expect(warned).toEqual([expect.objectContaining({ path: stuck })]);
});

describe('a rotating file', () => {
  function deps(error: Logger['error'] = () => undefined): RotatingFileDeps {
    return { clock, log: { ...silentLog, error } };
  }

  test('has everything on one side of the cut when it is rotated', () => {
    const file = new RotatingFile(join(folder, 'access.log'), { maxBytes: 20, keep: 2 }, deps());
    for (const line of ['a line of 16 bytes\n', 'that is above it\n', 'and so on\n']) file.write(line);
    file.close();
    expect(text('access.log.1')).toBe('a line of 16 bytes\nthat is above it\n');
    expect(text('access.log')).toBe('and so on\n');
  });

  test('goes on where an earlier one ended, and shows what is a second old', () => {
    appendFileSync(join(folder, 'access.log'), 'before\n');
    const file = new RotatingFile(join(folder, 'access.log'), { maxBytes: 1_000, keep: 2 }, deps());
    file.write('after\n');
    clock.advance(1_000);
    expect(text('access.log')).toBe('before\nafter\n');
    file.close();
  });

  test('loses lines on a full disk, says so once, and goes on', () => {
    const told: unknown[] = [];
    const file = new RotatingFile(
      '/dev/full',
      { maxBytes: 100_000, keep: 2 },
      deps((facts) => told.push(facts)),
    );
    for (const part of ['a piece that is written at once'.repeat(1_000), 'one that is flushed later']) {
      file.write(`${part}\n`);
      clock.advance(1_000);
    }
    expect(told).toEqual([{ path: '/dev/full', reason: expect.stringContaining('ENOSPC') }]);
    file.close();
  });

  test('begins another where somebody has taken it away, and leaves the older ones', () => {
    const path = join(folder, 'access.log');
    appendFileSync(`${path}.1`, 'older\n');
    const file = new RotatingFile(path, { maxBytes: 5, keep: 2 }, deps());
    rmSync(path);
    file.write('lost with it\n');
    file.write('on\n');
    file.close();
    expect(text('access.log')).toBe('on\n');
    expect(readdirSync(folder).sort()).toEqual(['access.log', 'access.log.1']);
  });

  test('puts nothing in the place of what is no plain file', () => {
    const path = join(folder, 'access.log');
    symlinkSync('/dev/null', path);
    const file = new RotatingFile(path, { maxBytes: 5, keep: 2 }, deps());
    file.write('too long\n');
    file.close();
    expect(readlinkSync(path)).toBe('/dev/null');
    expect(readdirSync(folder)).toEqual(['access.log']);
  });

  test('goes on in the old file when it can not be rotated', () => {
    const told: unknown[] = [];
    const path = join(folder, 'access.log');
    mkdirSync(join(`${path}.1`, 'in the way'), { recursive: true });
    const file = new RotatingFile(
      path,
      { maxBytes: 5, keep: 1 },
      deps((facts) => told.push(facts)),
    );
    file.write('too long\n');
    file.write('on\n');
    file.close();
    expect(text('access.log')).toBe('too long\non\n');
    expect(told).toHaveLength(1);
  });
});
