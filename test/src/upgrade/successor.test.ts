// What the old process makes of a new one that does not do its part, before stand-ins for it.
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Successor } from '../../../src/upgrade/successor.js';
import { ManualClock } from '../../support/manual-clock.js';
import { processState } from '../../support/understudy-process.js';

const STAND_IN = join(process.cwd(), 'dist', 'test', 'fixtures', 'silent-successor.js');

let successor: Successor;
let clock: ManualClock;

afterEach(() => successor.end());

function start(says: string): void {
  clock = new ManualClock();
  successor = new Successor({ clock, frontPort: 9000, env: { SAYS: says }, command: [STAND_IN] });
}

describe('a new process of an upgrade', () => {
  test.each([
    ['gets ready', '', () => successor.waitReady(), /while the new process read its config and adopted the workers/],
    ['takes over the rest', 'ready', () => successor.giveRest('token'), /while the new process took over the lock and/],
    [
      'accepts on the front',
      'ready,holding',
      () => successor.giveFront(createServer()),
      /while the new process took over the front/,
    ],
  ])('that never %s is given up after a minute, with the step, and ended', async (_what, says, step, tells) => {
    start(says);
    if (says !== '') await successor.waitReady();
    const failed = expect(step()).rejects.toMatchObject({
      code: 'upgrade-failed',
      message: expect.stringMatching(new RegExp(`${tells.source}.*it had not done so within 60 s`)),
    });
    clock.advance(60_000);
    await failed;
    await successor.end();
    expect(processState(successor.pid)).toBeUndefined();
  });

  test('has a minute for all of its steps together', async () => {
    start('ready');
    await successor.waitReady();
    clock.advance(40_000);
    const failed = expect(successor.giveRest('token')).rejects.toThrow(/it had not done so within 60 s of its start/);
    clock.advance(20_000);
    await failed;
  });

  test('that died while nobody waited for it fails the next step at once', async () => {
    start('ready');
    await successor.waitReady();
    await successor.end();
    await expect(successor.giveRest('token')).rejects.toThrow(/SIGKILL ended it/);
    expect(clock.pendingTimers).toBe(0);
  });
});
