import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, rmdirSync, type watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerOutput } from '../../src/worker-output.js';
import { ManualClock } from '../support/manual-clock.js';

let logDir: string;
let clock: ManualClock;
let output: WorkerOutput;
let lines: string[];
let heard: () => void;

beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), 'understudy-output-'));
  clock = new ManualClock();
  lines = [];
  heard = () => undefined;
});

afterEach(() => rmSync(logDir, { recursive: true, force: true }));

function start(options: { readonly watchFolder?: typeof watch } = {}): void {
  const onLine = (workerId: string, line: string) => {
    lines.push(`${workerId} ${line}`);
    heard();
  };
  output = new WorkerOutput({
    logDir,
    from: 'start',
    isWanted: (name) => name === 'primary',
    onLine,
    clock,
    ...options,
  });
  output.start();
}

function nextLine(): Promise<void> {
  return new Promise((resolve) => (heard = resolve));
}

test('where the machine has no watch left, the files are looked at now and then', async () => {
  start({
    watchFolder: () => {
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    },
  });
  appendFileSync(join(logDir, 'primary-1.log'), 'hello\n');
  const first = nextLine();
  clock.advance(1_000);
  await first;
  appendFileSync(join(logDir, 'primary-1.log'), 'again\n');
  const second = nextLine();
  clock.advance(1_000);
  await second;
  await output.stop();
  expect(lines).toEqual(['primary/1 hello', 'primary/1 again']);
  expect(clock.pendingTimers).toBe(0);
});

test('a file that can not be read costs nothing but its lines', async () => {
  const path = join(logDir, 'primary-1.log');
  mkdirSync(path);
  start();
  await output.stop();
  rmdirSync(path);
  appendFileSync(path, 'a file again\n');
  start();
  await output.stop();
  expect(lines).toEqual(['primary/1 a file again']);
});

test("files of other programs are nobody's output", async () => {
  appendFileSync(join(logDir, 'train-20260501.log'), 'epoch 1\n');
  appendFileSync(join(logDir, 'primary-1.log'), 'hello\n');
  start();
  await output.stop();
  expect(lines).toEqual(['primary/1 hello']);
});

test('a line that never ends is told in parts', async () => {
  appendFileSync(join(logDir, 'primary-1.log'), '\r50 %'.repeat(40_000));
  start();
  await output.stop();
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.map((line) => line.slice('primary/1 '.length)).join('')).toBe('\r50 %'.repeat(40_000));
});
