// A pool that is held for another Understudy: what it sees of the workers meanwhile is none of its business but for
// traffic; on a machine in memory.
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PoolManager, PoolOptions } from '../../pool/index.js';
import type { FakeProcess, FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';
import type { RecordingTraffic } from '../support/recording-traffic.js';

const ALL = ['fallback/1', 'primary/1', 'secondary/1'];
const hook = { method: 'POST', timeoutMs: 1_000 };

let rig: PoolRig;
let runtime: FakeWorkerRuntime;
let traffic: RecordingTraffic;
let pool: PoolManager;

afterEach(() => rig.end());

async function start(options: Partial<PoolOptions> = {}): Promise<void> {
  rig = new PoolRig(options);
  ({ runtime, traffic, pool } = rig);
  await rig.start();
}

function pass(ms: number): Promise<void> {
  return rig.pass(ms);
}

function primary(): FakeProcess {
  return runtime.of('primary/1')!;
}

describe('a worker of a pool that is held', () => {
  test('is left alone when somebody else stops its process, and replaced once the pool goes on', async () => {
    await start();
    await pool.hold();
    const before = primary();
    before.signalGroup('SIGSTOP');
    await pass(1_000);
    expect(before).toMatchObject({ alive: true, stopped: true });
    pool.resume();
    await pass(3_000);
    expect(before.alive).toBe(false);
    expect(traffic.ids).toEqual(ALL);
  });

  test('leaves traffic when it no longer answers, and is ended by what is seen of it afterwards', async () => {
    await start();
    await pool.hold();
    const before = primary();
    before.silent = true;
    await pass(30_000);
    expect(traffic.ids).toEqual(['fallback/1', 'secondary/1']);
    expect(before.alive).toBe(true);
    pool.resume();
    await pass(2_500);
    expect(before.alive).toBe(true);
    await pass(10_000);
    expect(before.alive).toBe(false);
    expect(traffic.ids).toEqual(ALL);
  });

  test('is left alone when it hangs, however long', async () => {
    await start();
    await pool.hold();
    const before = primary();
    const seen = traffic.trafficOf({ id: 'primary/1', generation: 1 })!;
    for (let second = 1; second <= 200; second++) {
      traffic.traffic.set('primary/1', { ...seen, inflight: 1, requests: 1, oldestWaitingMs: second * 1_000 });
      await pass(1_000);
    }
    expect(before.alive).toBe(true);
    traffic.traffic.delete('primary/1');
    pool.resume();
  });

  test('rests when its drain is over, and is ended once the pool goes on', async () => {
    await start();
    traffic.hold('primary/1');
    const restarted = pool.restart('primary');
    await pool.hold();
    const before = primary();
    traffic.release('primary/1');
    await pass(1_000);
    expect(before.alive).toBe(true);
    pool.resume();
    await pass(5_000);
    await restarted;
    expect(before.alive).toBe(false);
  });

  test('is left to another one for good when the pool was released', async () => {
    await start();
    pool.release();
    const before = [...runtime.living];
    for (const process of before) process.signalGroup('SIGSTOP');
    await pass(30_000);
    expect(runtime.living).toEqual(before);
    await pool.stop({});
    await pass(30_000);
    expect(runtime.living).toEqual(before);
    for (const process of before) process.exit({ code: 0, signal: undefined });
  });
});

test('a pool that is to be held waits for a process that is just being launched', async () => {
  await start();
  const launch = runtime.launch.bind(runtime);
  let launchNow = () => {};
  runtime.launch = async (spec) => {
    await new Promise<void>((resolve) => (launchNow = resolve));
    return launch(spec);
  };
  primary().exit({ code: 1, signal: undefined });
  await pass(1_000);
  let held = false;
  const holding = pool.hold().then(() => (held = true));
  await pass(250);
  expect([held, runtime.of('primary/1')]).toEqual([false, undefined]);
  launchNow();
  await pass(2_000);
  await holding;
  expect(primary().alive).toBe(true);
  // The one who comes after reads it in the state file.
  expect(pool.view().backends[0]!.workers[0]!.pid).toBe(primary().pid);
});

test('whoever waits for a pool to be held can give that up, and the pool goes on', async () => {
  await start();
  runtime.readyAtOnce = false;
  const switched = pool.setMode('validation');
  await pass(250);
  const caller = new AbortController();
  const refused = expect(pool.hold({ signal: caller.signal })).rejects.toThrow('hung up');
  await pass(250);
  caller.abort(new Error('hung up'));
  await refused;
  pool.resume();
  for (const process of runtime.living) process.ready = true;
  runtime.readyAtOnce = true;
  await pass(10_000);
  await switched;
  expect(pool.view().mode).toMatchObject({ current: 'validation', converged: true });
});

describe('the standby of a pool that is held', () => {
  test('is frozen again before that when a rehearsal has continued it, and never continued afterwards', async () => {
    await start({ initialMode: 'validation' });
    const standby = runtime.of('fallback/1')!;
    let answer = () => {};
    const probe = runtime.probe.bind(runtime);
    runtime.probe = async (address, options) => {
      if (address.kind === 'tcp' && address.port === standby.port) {
        await new Promise<void>((resolve) => (answer = resolve));
      }
      return probe(address, options);
    };
    await pass(planOptions.rehearseEveryMs);
    expect(standby.stopped).toBe(false);
    let held = false;
    const holding = pool.hold().then(() => (held = true));
    await pass(250);
    expect(held).toBe(false);
    answer();
    await holding;
    expect(standby.stopped).toBe(true);
    await pass(2 * planOptions.rehearseEveryMs);
    expect(standby).toMatchObject({ alive: true, stopped: true });
  });

  describe('whose rehearsal has woken it', () => {
    let standby: FakeProcess;
    let answer: (failure?: string) => void;

    async function startAndWake(): Promise<void> {
      const modes = { only: { active: 1, workers: 1, standby: 1, temperature: 'asleep' } } as const;
      const sleepHooks = {
        demote: { ...hook, path: '/sleep' },
        promote: { ...hook, path: '/wake_up' },
        golden: { ...hook, path: '/golden' },
      };
      await start({ modes, initialMode: 'only', sleepHooks });
      standby = runtime.of('secondary/1')!;
      runtime.onHook = () => new Promise((resolve) => (answer = resolve));
      await pass(planOptions.rehearseEveryMs);
      expect(hooksRun()).toEqual(['/sleep', '/wake_up']);
      runtime.onHook = () => Promise.resolve(undefined);
    }

    function hooksRun(): string[] {
      return runtime.hooks.map((each) => each.split(' ')[1]!);
    }

    test('is asleep again before that', async () => {
      await startAndWake();
      const hooksAtHold = pool.hold().then(hooksRun);
      await pass(250);
      answer();
      await pass(250);
      expect(await hooksAtHold).toEqual(['/sleep', '/wake_up', '/golden', '/sleep']);
      expect(standby.alive).toBe(true);
    });

    test('is ended before that when its hook fails, and replaced once the pool goes on', async () => {
      await startAndWake();
      const wasAlive = pool.hold().then(() => standby.alive);
      await pass(250);
      answer('it was answered 500');
      await pass(250);
      expect(await wasAlive).toBe(false);
      pool.resume();
      await pass(5_000);
      expect(pool.view().mode.converged).toBe(true);
    });

    test('is not waited for by whoever gives up', async () => {
      await startAndWake();
      const impatient = new AbortController();
      const held = expect(pool.hold({ signal: impatient.signal })).rejects.toThrow('too long');
      await pass(250);
      impatient.abort(new Error('too long'));
      await held;
    });

    test('lives on when its hook fails after it was left to the other Understudy', async () => {
      await startAndWake();
      pool.release();
      answer('it was answered 500');
      await pass(1_000);
      expect(standby.alive).toBe(true);
      for (const process of runtime.living) process.exit({ code: 0, signal: undefined });
    });
  });
});
