import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstanceFolders, ensureRuntimeFolder } from '../../src/instance-folders.js';

const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0 ? test : test.skip;

let folder: string;
let runtimeDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-folders-'));
  runtimeDir = join(folder, 'deep', 'runtime');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

/** A path at which there is a folder already. */
function made(path: string, mode: number): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
}

describe('the runtime folder', () => {
  test('is open to nobody else when it is made', () => {
    ensureRuntimeFolder(runtimeDir);
    expect(modeOf(runtimeDir)).toBe('700');
  });

  test.each([0o770, 0o707, 0o1777])('is refused, with what to do, when others may write there (%#)', (mode) => {
    made(runtimeDir, mode);
    expect(() => ensureRuntimeFolder(runtimeDir)).toThrow(
      expect.objectContaining({
        code: 'runtime-dir',
        source: 'operator',
        message: expect.stringMatching(new RegExp(`runtimeDir ${runtimeDir}: .*${mode.toString(8)}.*chmod go-w`)),
      }),
    );
  });

  test.each([0o700, 0o755])('is taken as it is when only we may write there (%#)', (mode) => {
    made(runtimeDir, mode);
    ensureRuntimeFolder(runtimeDir);
    expect(modeOf(runtimeDir)).toBe(mode.toString(8));
  });

  asRoot('is refused when somebody else has made it, with his uid and its mode', () => {
    made(runtimeDir, 0o700);
    chownSync(runtimeDir, NOBODY, NOBODY);
    expect(() => ensureRuntimeFolder(runtimeDir)).toThrow(/belongs to uid 65534 \(mode 0700\).*uid 0/);
  });

  asRoot("is refused behind somebody else's link, even to a folder of ours", async () => {
    const { lchownSync } = await import('node:fs');
    const ours = made(join(folder, 'ours'), 0o700);
    const link = join(folder, 'link');
    symlinkSync(ours, link);
    ensureRuntimeFolder(link);
    lchownSync(link, NOBODY, NOBODY);
    expect(() => ensureRuntimeFolder(link)).toThrow(/belongs to uid 65534/);
  });

  test.each(['understudy.pid', 'state.json', 'admin.sock'])('is refused when %s in it is a folder', (name) => {
    made(join(runtimeDir, name), 0o700);
    chmodSync(runtimeDir, 0o700);
    expect(() => ensureRuntimeFolder(runtimeDir)).toThrow(new RegExp(`${name} is a folder`));
  });

  test.each([
    ['a device', '/dev/null', /it is no folder/],
    ['a path through a device', '/dev/null/run', /a part of its path is no folder/],
    ['a place that takes no folders', '/proc/understudy/run', /nothing can be made there/],
  ])('is refused by its key when it is %s', (_what, path, reason) => {
    expect(() => ensureRuntimeFolder(path)).toThrow(reason);
    expect(() => ensureRuntimeFolder(path)).toThrow(`Cannot use runtimeDir ${path}`);
  });
});

describe('the log folder', () => {
  test('is as private as the runtime folder by default, also one that was not', () => {
    const logDir = made(join(runtimeDir, 'logs'), 0o755);
    ensureInstanceFolders({ runtimeDir, logDir });
    expect(modeOf(logDir)).toBe('700');
  });

  test('keeps the mode that its operator gave it', () => {
    const logDir = made(join(folder, 'logs'), 0o755);
    ensureInstanceFolders({ runtimeDir, logDir });
    expect(modeOf(logDir)).toBe('755');
  });

  test('is named by its key when it can not be had', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const logDir of [file, join(file, 'logs'), '/proc/understudy']) {
      expect(() => ensureInstanceFolders({ runtimeDir, logDir })).toThrow(`Cannot use logDir ${logDir}: `);
    }
  });

  test("is not made where the runtime folder is somebody else's", () => {
    made(runtimeDir, 0o777);
    const logDir = join(runtimeDir, 'logs');
    expect(() => ensureInstanceFolders({ runtimeDir, logDir })).toThrow(/runtimeDir/);
    expect(existsSync(logDir)).toBe(false);
  });
});
