import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReloadTriggers } from '../../src/reload-triggers.js';
import { ManualClock } from '../support/manual-clock.js';

const SEEN_MS = 2_000;

let folder: string;
let clock: ManualClock;
let reloads: string[];
let triggers: ReloadTriggers;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-triggers-'));
  clock = new ManualClock();
  reloads = [];
});

afterEach(() => {
  triggers.release();
  expect(clock.pendingTimers).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

function watchFile(path: string): void {
  const onReload = (cause: string) => reloads.push(cause);
  triggers = new ReloadTriggers({ clock, watchedPath: path, onReload, onTerminalGone: () => undefined });
}

test('a file behind links that are swapped, as Kubernetes does, is read again', () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'understudy.yaml'), `# ${name}`);
  }
  symlinkSync('one', join(folder, '..data'));
  symlinkSync(join('..data', 'understudy.yaml'), join(folder, 'understudy.yaml'));
  watchFile(join(folder, 'understudy.yaml'));
  clock.advance(SEEN_MS);
  expect(reloads).toEqual([]);
  symlinkSync('two', join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, '..data'));
  clock.advance(SEEN_MS);
  expect(reloads).toEqual(['understudy.yaml has changed']);
});

test('a folder that is replaced is looked into', () => {
  const place = join(folder, 'config');
  mkdirSync(place);
  writeFileSync(join(place, 'understudy.yaml'), '# one');
  watchFile(join(place, 'understudy.yaml'));
  rmSync(place, { recursive: true });
  mkdirSync(place);
  writeFileSync(join(place, 'understudy.yaml'), '# another');
  clock.advance(SEEN_MS);
  expect(reloads).toEqual(['understudy.yaml has changed']);
});
