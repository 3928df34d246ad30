import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFile } from '../../pool/state-file.js';

const WORKER = {
  id: 'primary/1',
  generation: 1,
  pid: 4711,
  startTicks: 99,
  command: 'python3 -m uvicorn',
  host: '127.0.0.1',
  port: 8000,
  state: 'active',
  restarts: 0,
  forks: 1,
} as const;
const POOL = { mode: 'production', workers: [WORKER] };
const MODES = { initialMode: 'production', hand: { mode: 'validation', order: 1 }, leases: [] };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-state-'));
  path = join(folder, 'state.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(bootId = 'this boot'): StateFile {
  return new StateFile(path, { bootId });
}

describe('StateFile', () => {
  test('tells nothing when there is no file', () => {
    expect(open().read()).toEqual({});
  });

  test('tells the next one what was put, both sections', () => {
    const file = open();
    file.put('pool', POOL);
    file.put('modes', MODES);
    expect(open().read()).toEqual({ pool: POOL, modes: MODES });
  });

  test('writes nothing into a folder that is not ours', () => {
    const refusal = new Error('it belongs to a stranger');
    const ensureOurFolder = () => {
      throw refusal;
    };
    expect(() => new StateFile(path, { ensureOurFolder }).put('modes', MODES)).toThrow(refusal);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('looks again, once it is told to forget, for what somebody else has written since', () => {
    const mine = open();
    mine.read();
    open().put('modes', MODES);
    expect(mine.read()).toEqual({});
    mine.forget();
    expect(mine.read()).toMatchObject({ modes: MODES });
  });

  test('keeps the section that is not replaced yet as it was left', () => {
    const before = open();
    before.put('pool', POOL);
    before.put('modes', MODES);
    const after = open();
    after.read();
    after.put('pool', { ...POOL, mode: 'validation' });
    expect(open().read()).toMatchObject({ pool: { mode: 'validation' }, modes: MODES });
  });

  test.each([
    ['is cut in half', (text: string) => text.slice(0, text.length / 2), /is damaged/],
    ['is empty', () => '', /is damaged/],
    ['is of another shape', () => '{"version": 7}', /is none of ours \(version: /],
    [
      'was written before the last boot',
      (text: string) => text.replace('this boot', 'another'),
      /before its last boot/,
    ],
  ])('sets a file aside that %s and says so in one line', (_what, spoil, says) => {
    open().put('pool', POOL);
    const spoilt = spoil(readFileSync(path, 'utf8'));
    writeFileSync(path, spoilt);
    const { pool, modes, refused } = open().read();
    expect({ pool, modes }).toEqual({});
    expect(refused).toMatch(says);
    expect(refused).not.toMatch(/\n/);
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(`${path}.set-aside`, 'utf8')).toBe(spoilt);
  });

  test('is written again at the next put when somebody has removed it, even where that changes nothing', () => {
    const file = open();
    file.put('pool', POOL);
    rmSync(folder, { recursive: true });
    file.put('pool', POOL);
    expect(open().read()).toEqual({ pool: POOL });
  });

  test('is gone when nothing is left to be remembered', () => {
    const file = open();
    file.put('pool', POOL);
    file.remove();
    expect(existsSync(path)).toBe(false);
  });
});
