import { describe, expect, test } from '@jest/globals';
import { LeaseKeeper } from '../../../src/commands/lease-keeper.js';
import { ManualClock } from '../../support/manual-clock.js';

/** An instance that gives a lease, and is gone when it should take it back. */
function keeperOf({ gone }: { readonly gone: boolean }) {
  const warned: string[] = [];
  const request = ({ method }: { readonly method: string }) =>
    method === 'DELETE' && gone
      ? Promise.reject(new Error('no instance answers.'))
      : Promise.resolve({ id: 'lease-1', overruled: false } as never);
  const deps = { client: { request }, clock: new ManualClock(), warn: (message: string) => warned.push(message) };
  return { warned, keeper: new LeaseKeeper({ mode: 'validation', holder: 'nightly', ttlMs: 1_000 }, deps) };
}

describe('a lease that is given back', () => {
  test.each([
    ['counts as given back when the instance took it', false, true, []],
    ['does not when the instance is gone, and says so', true, false, ['not given back: no instance answers.']],
  ])('%s', async (_, gone, isTaken, says) => {
    const { keeper, warned } = keeperOf({ gone });
    await keeper.take(new AbortController().signal);
    expect(await keeper.giveBack()).toBe(isTaken);
    expect(warned).toEqual(says);
  });
});
