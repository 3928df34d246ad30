import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstanceProcess } from '../../../src/commands/instance-process.js';

/** Takes signals whatever the folder says of it. */
const PID = process.pid;

let procFolder: string;

beforeEach(() => {
  procFolder = mkdtempSync(join(tmpdir(), 'understudy-proc-'));
  mkdirSync(join(procFolder, String(PID)));
});

afterEach(() => rmSync(procFolder, { recursive: true }));

function says({ state, startTicks }: { readonly state: string; readonly startTicks: number }): void {
  const before = Array.from({ length: 18 }, () => '0').join(' ');
  writeFileSync(join(procFolder, String(PID), 'stat'), `${PID} (a) Z (b) ${state} ${before} ${startTicks} 0 0\n`);
}

describe("an instance's process", () => {
  test.each([
    ['is there while it runs', { state: 'R', startTicks: 77 }, false],
    ['is there while it is stopped', { state: 'T', startTicks: 77 }, false],
    ['is gone when it has ended, though its parent has not collected it', { state: 'Z', startTicks: 77 }, true],
    ['is gone when another process has its pid', { state: 'S', startTicks: 78 }, true],
  ])('%s', (_what, later, gone) => {
    says({ state: 'S', startTicks: 77 });
    const running = new InstanceProcess(PID, procFolder);
    says(later);
    expect(running.gone).toBe(gone);
  });

  test('is there by its pid alone where there is no /proc', () => {
    expect(new InstanceProcess(PID, join(procFolder, 'none')).gone).toBe(false);
  });
});
