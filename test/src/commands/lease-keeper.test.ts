import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { LeaseKeeper } from '../../../src/commands/lease-keeper.js';
import type { AdminRequest } from '../../../src/admin/admin-client.js';
import type { StatusView } from '../../../src/admin/status-view.js';
import { operatorError } from '../../../src/core/errors.js';
import { ManualClock } from '../../support/manual-clock.js';

const TTL_MS = 30_000;
const unknown = operatorError('unknown-lease', 'there is no such lease');

/** An instance as its clients see it. */
class FakeInstance {
  readonly asked: string[] = [];
  startedAt = 1;
  /** By method; never settles without one. */
  answer: (request: AdminRequest) => Promise<unknown> = () => Promise.resolve({ id: 'lease-1', overruled: false });

  request<T>(request: AdminRequest): Promise<T> {
    this.asked.push(`${request.method} ${request.path}`);
    const aborted = new Promise<never>((_resolve, reject) => {
      request.signal?.addEventListener('abort', () => reject(request.signal?.reason as Error));
    });
    return Promise.race([this.answer(request), aborted]) as Promise<T>;
  }

  status(): Promise<StatusView> {
    return Promise.resolve({ instance: { startedAt: this.startedAt } } as StatusView);
  }
}

let clock: ManualClock;
let instance: FakeInstance;
let warned: string[];
let keeper: LeaseKeeper;

beforeEach(() => {
  clock = new ManualClock();
  instance = new FakeInstance();
  warned = [];
  const deps = { client: instance, clock, warn: (message: string) => warned.push(message) };
  keeper = new LeaseKeeper({ mode: 'validation', holder: 'nightly', ttlMs: TTL_MS }, deps);
});

function take() {
  return keeper.take(new AbortController().signal);
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

describe('a lease that is given back', () => {
  test.each([
    ['counts as given back when the instance took it', false, true, []],
    ['does not when the instance is gone, and says so', true, false, ['not given back: no instance answers.']],
  ])('%s', async (_, gone, isTaken, says) => {
    const before = instance.answer;
    instance.answer = (request) =>
      request.method === 'DELETE' && gone ? Promise.reject(new Error('no instance answers.')) : before(request);
    await take();
    expect(await keeper.giveBack()).toBe(isTaken);
    expect(warned).toEqual(says);
  });

  test('is renewed no more, though a renewal was under way', async () => {
    await take();
    let renew: (value: unknown) => void = () => undefined;
    const before = instance.answer;
    instance.answer = (request) =>
      request.method === 'PUT' ? new Promise((resolve) => (renew = resolve)) : before(request);
    await pass(TTL_MS / 3);
    const given = keeper.giveBack();
    renew({ id: 'lease-1', overruled: false });
    expect(await given).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    await pass(TTL_MS);
    expect(instance.asked).toEqual([
      'POST /v1/leases?wait=true',
      'PUT /v1/leases/lease-1',
      'DELETE /v1/leases/lease-1',
    ]);
  });

  test('is not taken again by a renewal that was under way and finds it gone', async () => {
    await take();
    instance.answer = () => Promise.reject(unknown);
    instance.startedAt = 2;
    clock.advance(TTL_MS / 3);
    expect(await keeper.giveBack()).toBe(false);
    expect(instance.asked.filter((asked) => asked.startsWith('POST'))).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is not waited for for ever when the instance is stopped (SIGSTOP)', async () => {
    await take();
    instance.answer = () => new Promise(() => undefined);
    const given = keeper.giveBack();
    await pass(0);
    await pass(10_000);
    expect(await given).toBe(false);
    expect(warned).toEqual(['not given back: the instance did not answer within 10 s.']);
  });
});

describe('a lease that the instance knows no more', () => {
  beforeEach(async () => {
    await take();
    instance.answer = ({ method }) =>
      method === 'PUT' ? Promise.reject(unknown) : Promise.resolve({ id: 'lease-2', overruled: false });
  });

  test('was ended by somebody, and is not taken again', async () => {
    await pass(TTL_MS / 3);
    expect(warned).toEqual(['somebody ended it; the command goes on without its mode']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is taken again when the instance was started anew meanwhile', async () => {
    instance.startedAt = 2;
    await pass(TTL_MS / 3);
    expect(warned).toEqual(['it was lost; taken again as lease-2']);
    await keeper.giveBack();
    expect(instance.asked.at(-1)).toBe('DELETE /v1/leases/lease-2');
  });

  test('is taken again when it could not be renewed in its time', async () => {
    const lost = instance.answer;
    instance.answer = () => Promise.reject(new Error('no instance answers.'));
    await pass(TTL_MS / 3);
    await pass(TTL_MS / 3);
    instance.answer = lost;
    await pass(TTL_MS / 3);
    expect(warned).toEqual(['not renewed: no instance answers. Trying on.', 'it was lost; taken again as lease-2']);
    await keeper.giveBack();
  });
});
