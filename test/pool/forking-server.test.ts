// A server that forks by itself, whose number of processes changes with the mode: on a machine in memory.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPoolManager, type PoolManager, type PoolOptions } from '../../pool/index.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const options: PoolOptions = {
  ...planOptions,
  command: ['server', '{port}', '--workers', '{workers}'],
  modes: {
    production: { active: 3, workers: 1, standby: 0, temperature: 'hot' },
    busy: { active: 3, workers: 2, standby: 0, temperature: 'hot' },
  },
};
const ALL = ['fallback/1', 'primary/1', 'secondary/1'];

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let traffic: RecordingTraffic;
let pool: PoolManager;

beforeEach(async () => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  traffic = new RecordingTraffic();
  pool = createPoolManager(options, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
  const started = pool.start();
  await pass(2_000);
  await started;
});

afterEach(async () => {
  for (const id of ALL) traffic.release(id);
  const stopped = pool.stop({});
  await pass(15_000);
  await stopped;
});

function pass(ms: number): Promise<void> {
  return passTime(clock, ms);
}

/** The number of processes that each was started with. */
function forks(): Record<string, string> {
  return Object.fromEntries(runtime.living.map(({ spec }): [string, string] => [spec.id, spec.command[3]!]));
}

/** A switch whose first drain does not end yet. */
function beginSwitch(signal?: AbortSignal): Promise<unknown> {
  for (const id of ALL) traffic.hold(id);
  return pool.setMode('busy', signal === undefined ? {} : { signal });
}

describe('a server that forks by itself', () => {
  test('is left alone when a switch to another number of processes is superseded', async () => {
    const before = [...runtime.living];
    const superseded = expect(beginSwitch()).rejects.toMatchObject({ code: 'switch-superseded' });
    await pass(1_000);
    expect(traffic.ids).toHaveLength(2);
    const back = pool.setMode('production');
    await pass(1_000);
    await Promise.all([superseded, back]);
    for (const id of ALL) traffic.release(id);
    await pass(20_000);
    expect(runtime.living).toEqual(before);
    expect(traffic.ids).toEqual(ALL);
  });

  test('is left alone when such a switch is rolled back, but for what it had replaced by then', async () => {
    const before = [...runtime.living];
    const giveUp = new AbortController();
    const refused = expect(beginSwitch(giveUp.signal)).rejects.toThrow('changed my mind');
    await pass(1_000);
    const drained = ALL.find((id) => !traffic.ids.includes(id))!;
    traffic.release(drained);
    await pass(3_000);
    expect(forks()).toMatchObject({ [drained]: '2' });
    giveUp.abort(new Error('changed my mind'));
    await pass(1_000);
    for (const id of ALL) traffic.release(id);
    await pass(20_000);
    await refused;
    expect(forks()).toEqual({ 'fallback/1': '1', 'primary/1': '1', 'secondary/1': '1' });
    const kept = before.filter(({ spec }) => spec.id !== drained);
    for (const process of kept) expect(process.alive).toBe(true);
  });

  test('is restarted with the number of the mode, one after the other', async () => {
    const begun = traffic.applied.length;
    const switched = pool.setMode('busy');
    await pass(20_000);
    await switched;
    expect(forks()).toEqual({ 'fallback/1': '2', 'primary/1': '2', 'secondary/1': '2' });
    expect(Math.min(...traffic.applied.slice(begun).map((ids) => ids.length))).toBe(2);
  });
});
