import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from '../../../pool/resources/machine-meter.js';
import { readMemoryLimit } from '../../../pool/resources/memory-limit.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-limit-'));
  mkdirSync(join(folder, 'proc', 'self'), { recursive: true });
  mkdirSync(join(folder, 'mount', 'unit', 'inner'), { recursive: true });
  writeFileSync(join(folder, 'mount', 'cgroup.controllers'), 'memory cpu\n');
  writeFileSync(join(folder, 'proc', 'self', 'cgroup'), '0::/unit/inner\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function group(path: string, { max, current, inactive }: { max: string; current: number; inactive: number }): void {
  const place = join(folder, 'mount', path);
  writeFileSync(join(place, 'memory.max'), `${max}\n`);
  writeFileSync(join(place, 'memory.current'), `${current}\n`);
  writeFileSync(join(place, 'memory.stat'), `anon 1\ninactive_file ${inactive}\nactive_file 2\n`);
}

function read() {
  return readMemoryLimit({ mount: join(folder, 'mount'), proc: join(folder, 'proc') });
}

test('there is none where no group has one', () => {
  group('unit/inner', { max: 'max', current: 500, inactive: 0 });
  expect(read()).toBeUndefined();
});

test('the group that leaves least counts, ours or one around it, without what the kernel gives back first', () => {
  group('unit/inner', { max: '9000', current: 500, inactive: 0 });
  group('unit', { max: '1000', current: 700, inactive: 200 });
  expect(read()).toEqual({ folder: join(folder, 'mount', 'unit'), totalBytes: 1_000, availableBytes: 502 });
});

test('the machine has no more than that', () => {
  const machine = { totalBytes: 64_000, availableBytes: 60_000, swapTotalBytes: 0, swapUsedBytes: 0 };
  expect(within(machine, { folder: '/', totalBytes: 1_000, availableBytes: 500 })).toMatchObject({
    totalBytes: 1_000,
    availableBytes: 500,
  });
  expect(within(machine, undefined)).toBe(machine);
});
