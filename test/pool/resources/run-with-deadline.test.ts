import { expect, test } from '@jest/globals';
import { runningHere } from '../../../pool/resources/run-with-deadline.js';
import { ManualClock } from '../../support/manual-clock.js';

test.each([[[]], [['']], [['true', 'a\0b']]])(
  'a program that spawn throws at is told as unrunnable: %j',
  async (command) => {
    const clock = new ManualClock();
    const result = await runningHere(clock)(command, 1_000);
    expect(result).toEqual({ kind: 'unrunnable', reason: 'ERR_INVALID_ARG_VALUE' });
    expect(clock.pendingTimers).toBe(0);
  },
);
