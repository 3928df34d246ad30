// What the manager makes of workers that are silent, busy, stopped or say something of themselves: on a machine in
// memory, where time passes only when the test says so.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseAnnouncement } from '../../pool/announcement.js';
import type { FakeProcess } from '../support/fake-worker-runtime.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const ACTIVE = ['primary/1', 'primary/2', 'secondary/1', 'secondary/2'];
const WITHOUT_PRIMARY_1 = ['fallback/1', 'primary/2', 'secondary/1', 'secondary/2'];

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig({ initialMode: 'validation' });
  await rig.start();
});

afterEach(() => rig.end());

function primary(): FakeProcess {
  return rig.runtime.of('primary/1')!;
}

describe('a worker that no longer answers its probes', () => {
  test('is replaced, with the standby in its place, when its process is idle', async () => {
    const before = primary();
    before.silent = true;
    await rig.pass(12_000);
    expect(before.alive).toBe(false);
    expect(rig.traffic.ids).toContain('fallback/1');
    await rig.pass(20_000);
    expect(primary()).not.toBe(before);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('is left alone, in traffic, when its process burns CPU', async () => {
    const before = primary();
    before.silent = true;
    before.busy = true;
    await rig.pass(60_000);
    expect(primary()).toBe(before);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('is left alone when it moves bytes', async () => {
    const before = primary();
    before.silent = true;
    const seen = rig.traffic.trafficOf({ id: 'primary/1', generation: 1 })!;
    for (let second = 1; second <= 60; second++) {
      rig.traffic.traffic.set('primary/1', { ...seen, inflight: 1, bytesMoved: second });
      await rig.pass(1_000);
    }
    expect(primary()).toBe(before);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });
});

describe('a worker that accepts everything and answers nothing', () => {
  /** Each second: so many requests more for primary/1, with a body each, and so much CPU. */
  async function acceptFor(seconds: number, { requests, ticks }: { requests: number; ticks: number }): Promise<void> {
    const accepting = primary();
    const seen = rig.traffic.trafficOf({ id: 'primary/1', generation: 1 })!;
    for (let second = 1; second <= seconds && rig.traffic.ids.includes('primary/1'); second++) {
      const given = requests * second;
      rig.traffic.traffic.set('primary/1', { ...seen, requests: given, inflight: given, bytesMoved: 100 * given });
      accepting.burntTicks += ticks;
      await rig.pass(1_000);
    }
  }

  test.each([
    ['when it burns what its probes cost', { requests: 0, ticks: 1 }],
    ['when it burns what a few requests cost', { requests: 4, ticks: 1.5 }],
    ['when it burns what many requests cost', { requests: 100, ticks: 15 }],
  ])('is replaced after as many silent probes as condemn an idle one, %s', async (_, each) => {
    const before = primary();
    // It has worked for long before it fell silent.
    before.burntTicks = 100_000;
    await rig.pass(4_000);
    before.silent = true;
    await acceptFor(10, each);
    expect(before.alive).toBe(false);
    expect(rig.traffic.applied).toContainEqual(WITHOUT_PRIMARY_1);
  });

  test('has what is in flight on it ended at once, with traffic led elsewhere, and not after its time to stop', async () => {
    const before = primary();
    before.silent = true;
    before.deaf = true;
    rig.traffic.hold('primary/1');
    const ledTo: string[][] = [];
    rig.traffic.onAborted = () => ledTo.push(rig.traffic.ids);
    await rig.pass(9_000);
    expect(before.alive).toBe(true);
    expect(rig.traffic.aborted).toEqual([{ id: 'primary/1', reason: 'wedged', kind: 'requests' }]);
    expect(ledTo).toEqual([WITHOUT_PRIMARY_1]);
  });

  test('is left alone when it computes, however many requests come in meanwhile', async () => {
    const before = primary();
    before.silent = true;
    await acceptFor(60, { requests: 1_000, ticks: 90 });
    expect(primary()).toBe(before);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('is left alone when requests are answered that were sent to it before', async () => {
    const before = primary();
    before.silent = true;
    const seen = rig.traffic.trafficOf({ id: 'primary/1', generation: 1 })!;
    for (let second = 1; second <= 60; second++) {
      rig.traffic.traffic.set('primary/1', { ...seen, requests: second + 5, inflight: 5, bytesMoved: 100 * second });
      await rig.pass(1_000);
    }
    expect(primary()).toBe(before);
  });
});

describe('while we have no descriptors to probe with', () => {
  test('nobody is replaced, neither in traffic nor frozen nor under suspicion', async () => {
    const before = [...rig.runtime.living];
    primary().silent = true;
    await rig.pass(2_500);
    rig.runtime.shortage = 'EMFILE';
    await rig.pass(planOptions.rehearseEveryMs + 60_000);
    expect(rig.runtime.living).toEqual(before);
    expect(rig.runtime.of('fallback/1')!.stopped).toBe(true);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('one that was refused a connection stays out of traffic, and comes back when it answers', async () => {
    const before = primary();
    rig.runtime.shortage = 'EMFILE';
    rig.pool.reportIncident({ kind: 'refused', id: 'primary/1', generation: 1 });
    await rig.pass(60_000);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    rig.runtime.shortage = undefined;
    await rig.pass(15_000);
    expect(primary()).toBe(before);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('a start is not given up for want of progress', async () => {
    rig.runtime.readyAtOnce = false;
    primary().exit({ code: undefined, signal: 'SIGKILL' });
    await rig.pass(1_000);
    const starting = primary();
    rig.runtime.shortage = 'EMFILE';
    await rig.pass(planOptions.startTimeoutMs + 60_000);
    expect(primary()).toBe(starting);
    starting.ready = true;
    rig.runtime.shortage = undefined;
    await rig.pass(15_000);
    expect(primary()).toBe(starting);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });
});

describe('a worker that somebody else stops', () => {
  test('is replaced at once when it is in traffic', async () => {
    const before = primary();
    before.signalGroup('SIGSTOP');
    await rig.pass(250);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    expect(before.alive).toBe(false);
  });

  test('is replaced at once when it still starts', async () => {
    rig.runtime.readyAtOnce = false;
    primary().exit({ code: undefined, signal: 'SIGKILL' });
    await rig.pass(1_000);
    const starting = primary();
    starting.signalGroup('SIGSTOP');
    await rig.pass(250);
    expect(starting.alive).toBe(false);
  });
});

describe('a worker that announces something in its health answer', () => {
  test('leaves traffic and keeps its process when it wants no new requests, and comes back when it does', async () => {
    const before = primary();
    before.announced = parseAnnouncement('drain');
    await rig.pass(3_000);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    before.announced = parseAnnouncement('ok');
    await rig.pass(15_000);
    expect(rig.traffic.ids).toEqual(ACTIVE);
    expect(primary()).toBe(before);
  });

  test('leaves traffic, with its reason told, when it says that it is down', async () => {
    primary().announced = parseAnnouncement('down: the GPU fell off the bus');
    await rig.pass(3_000);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    expect(rig.events).toContainEqual(
      expect.objectContaining({ worker: 'primary/1', evidence: 'it cannot serve: the GPU fell off the bus' }),
    );
  });

  test('is not ready while it starts and says that it is down', async () => {
    const [before] = [primary()];
    before.exit({ code: undefined, signal: 'SIGKILL' });
    rig.runtime.onLaunch = (process) => (process.announced = parseAnnouncement('down: loading'));
    await rig.pass(5_000);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    primary().announced = parseAnnouncement('ok');
    await rig.pass(15_000);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('has its limit passed on to traffic, and lifted again', async () => {
    const limit = () => rig.traffic.targets.find(({ id }) => id === 'primary/1')?.maxInflight;
    expect(limit()).toBeUndefined();
    primary().announced = parseAnnouncement('maxInflight: 3');
    await rig.pass(3_000);
    expect(limit()).toBe(3);
    primary().announced = parseAnnouncement('ok');
    await rig.pass(3_000);
    expect(limit()).toBeUndefined();
  });
});

describe('a worker whose app announces a drain in an answer', () => {
  test('leaves traffic in that turn, and stays out whatever its health answer says', async () => {
    const before = primary();
    rig.pool.reportIncident({ kind: 'announced-drain', id: 'primary/1', generation: 1 });
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    await rig.pass(15_000);
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    expect(primary()).toBe(before);
  });
});

describe("a worker's breaker", () => {
  const upstream = { id: 'primary/1', generation: 1 };

  test('brings the standby in when it opens, and sends it back once it has closed again', async () => {
    rig.pool.reportIncident(rig.traffic.setBreaker(upstream, 'open')!);
    expect(rig.traffic.ids).toEqual(['fallback/1', ...ACTIVE]);
    rig.pool.reportIncident(rig.traffic.setBreaker(upstream, 'closed')!);
    await rig.pass(12_000);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('counts as usable when it is half-open, since it would stay so without requests', async () => {
    rig.pool.reportIncident(rig.traffic.setBreaker(upstream, 'open')!);
    rig.traffic.setBreaker(upstream, 'half-open');
    await rig.pass(15_000);
    expect(rig.traffic.ids).toEqual(ACTIVE);
  });

  test('is forgotten when its upstream leaves traffic and comes back', async () => {
    rig.pool.reportIncident(rig.traffic.setBreaker(upstream, 'open')!);
    rig.pool.reportIncident({ kind: 'refused', ...upstream });
    expect(rig.traffic.ids).toEqual(WITHOUT_PRIMARY_1);
    await rig.pass(15_000);
    expect(rig.traffic.ids).toEqual(ACTIVE);
    expect(rig.pool.view().mode.converged).toBe(true);
  });
});

describe('a frozen standby in its rehearsal', () => {
  async function rehearsed(facts: Partial<FakeProcess>, ms: number): Promise<FakeProcess> {
    const standby = rig.runtime.of('fallback/1')!;
    Object.assign(standby, facts);
    await rig.pass(planOptions.rehearseEveryMs + ms);
    return standby;
  }

  test('may need longer than one probe, and is frozen again when it has answered', async () => {
    const standby = await rehearsed({ silent: true }, 1_000);
    expect(standby).toMatchObject({ alive: true, stopped: false });
    standby.silent = false;
    await rig.pass(3_000);
    expect(standby).toMatchObject({ alive: true, stopped: true });
    expect(rig.events).toContainEqual(expect.objectContaining({ kind: 'rehearsal', worker: 'fallback/1' }));
  });

  test('is given more time while it computes', async () => {
    expect(await rehearsed({ silent: true, busy: true }, 30_000)).toMatchObject({ alive: true, stopped: false });
  });

  test('is replaced when it is silent and idle', async () => {
    expect((await rehearsed({ silent: true }, 30_000)).alive).toBe(false);
  });
});
