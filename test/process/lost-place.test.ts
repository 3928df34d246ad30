// A cleaner of /tmp, or a careless rm, takes the files of an instance that runs.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UnderstudyProcess } from '../support/understudy-process.js';

const BACK = /they are back, and commands work again/g;

let instance: UnderstudyProcess;

beforeEach(async () => {
  instance = await UnderstudyProcess.start({ backendCount: 1, config: { modes: { production: { active: 1 } } } });
});

afterEach(() => instance.dispose());

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('an instance whose runtime folder was removed brings it back, so that commands work again, and says it once', async () => {
  const places = ['', 'admin.sock', 'understudy.pid', 'state.json'].map((name) => join(instance.runtimeDir, name));
  const before = places.map(modeOf);
  rmSync(instance.runtimeDir, { recursive: true });
  await instance.waitForOutput(BACK);
  expect(places.map(modeOf)).toEqual(before);
  expect(await instance.command('status')).toMatchObject({ code: 0, stderr: '' });
  expect((await instance.command('restart', 'primary')).code).toBe(0);
  expect(await instance.command('stop')).toMatchObject({ code: 0 });
  expect(await instance.waitForExit()).toBe(0);
  expect(`${instance.stdout}${instance.stderr}`.match(BACK)).toHaveLength(1);
  expect(existsSync(places[1]!)).toBe(false);
});

test('a command that is under way stays connected when the socket file was removed, and the next ones work', async () => {
  const reload = instance.waitForEvent(({ kind }) => kind === 'reload');
  await instance.status();
  rmSync(join(instance.runtimeDir, 'admin.sock'));
  await instance.waitForOutput(BACK);
  expect((await instance.command('reload')).code).toBe(0);
  await reload;
});
