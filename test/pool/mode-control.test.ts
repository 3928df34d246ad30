// The hand and the leases against a pool that switches when the test says so.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ModeControl, type ModeSwitcher } from '../../pool/mode-control.js';
import type { PoolEvent } from '../../pool/pool-event.js';
import type { ModeMemory } from '../../pool/pool-state.js';
import { nextTurn } from '../../src/core/clock.js';
import { UnderstudyError } from '../../src/core/errors.js';
import { silentLog } from '../../src/core/log.js';
import { ManualClock } from '../support/manual-clock.js';

const MODES = ['production', 'validation', 'quiet'];

interface PendingSwitch {
  readonly mode: string;
  done(): void;
  fail(error: Error): void;
}

/** Keeps the manager's contract: a new switch supersedes the one under way, a failed one goes back. */
class FakeSwitcher implements ModeSwitcher {
  targetMode = 'production';
  readonly asked: string[] = [];
  under: PendingSwitch | undefined;
  #standing = 'production';

  requireMode(name: string): void {
    if (!MODES.includes(name)) throw new UnderstudyError('no such mode', { code: 'unknown-mode', source: 'operator' });
  }

  setMode(mode: string): Promise<void> {
    this.asked.push(mode);
    this.under?.fail(new UnderstudyError('given up', { code: 'switch-superseded', source: 'operator' }));
    this.targetMode = mode;
    return new Promise((resolve, reject) => {
      const pending: PendingSwitch = {
        mode,
        done: () => {
          this.#standing = mode;
          this.under = undefined;
          resolve();
        },
        fail: (error) => {
          this.targetMode = this.#standing;
          this.under = undefined;
          reject(error);
        },
      };
      this.under = pending;
    });
  }
}

const rolledBack = new UnderstudyError('no room', { code: 'switch-rolled-back', source: 'operator' });

let clock: ManualClock;
let pool: FakeSwitcher;
let events: PoolEvent[];
let modes: ModeControl;

beforeEach(() => {
  clock = new ManualClock();
  pool = new FakeSwitcher();
  events = [];
  let draw = 0;
  modes = new ModeControl('production', {
    pool,
    clock,
    random: () => (draw++ % 1000) / 1000,
    log: silentLog,
    onEvent: (event) => events.push(event),
  });
  modes.open();
});

function lease(mode = 'validation', holder = 'nightly') {
  return modes.lease({ holder, mode, ttlMs: 1_000 }, { wait: false });
}

function beforeItsStart(): ModeControl {
  const deps = { pool, clock, random: () => 0.5, log: silentLog, onEvent: () => undefined };
  return new ModeControl('production', deps);
}

function leaseAndWait(signal?: AbortSignal) {
  return modes.lease({ holder: 'nightly', mode: 'validation', ttlMs: 1_000 }, { wait: true, signal });
}

describe('the last lease to go', () => {
  test('brings production back when it is given back', async () => {
    const { id } = await lease();
    pool.under?.done();
    await modes.giveBack(id, { wait: false });
    expect(pool.asked).toEqual(['validation', 'production']);
  });

  test('brings production back when it runs out', async () => {
    await lease();
    pool.under?.done();
    clock.advance(1_000);
    expect(pool.asked).toEqual(['validation', 'production']);
    expect(events.at(-1)?.cause).toMatch(/nightly did not renew.* ran out/);
  });

  test('is the last of several, whatever their order', async () => {
    const [first, second, third] = [await lease(), await lease(), await lease()];
    pool.under?.done();
    for (const { id } of [second, first]) await modes.giveBack(id, { wait: false });
    expect(pool.asked).toEqual(['validation']);
    await modes.giveBack(third.id, { wait: false });
    expect(pool.asked).toEqual(['validation', 'production']);
  });

  test('leaves a mode that was set by hand before', async () => {
    const byHand = modes.setByHand('validation', { wait: true });
    pool.under?.done();
    await byHand;
    const { id } = await lease();
    await modes.giveBack(id, { wait: true });
    expect(pool.targetMode).toBe('validation');
    expect(pool.asked).toEqual(['validation']);
  });
});

describe('a mode set by hand', () => {
  test('overrules a lease, and stays when the lease ends', async () => {
    const { id } = await lease();
    pool.under?.done();
    await modes.setByHand('production', { wait: false });
    pool.under?.done();
    expect(modes.leases).toEqual([expect.objectContaining({ id, overruled: true })]);
    await modes.giveBack(id, { wait: false });
    expect(pool.asked).toEqual(['validation', 'production']);
  });

  test('gives way to a lease that is taken after it', async () => {
    await modes.setByHand('production', { wait: false });
    pool.under?.done();
    await lease();
    expect(pool.targetMode).toBe('validation');
  });

  test('is forgotten when the pool could not be brought there', async () => {
    const refused = expect(modes.setByHand('quiet', { wait: true })).rejects.toBe(rolledBack);
    pool.under?.fail(rolledBack);
    await refused;
    const { id } = await lease();
    pool.under?.done();
    await modes.giveBack(id, { wait: false });
    expect(pool.asked).toEqual(['quiet', 'validation', 'production']);
  });

  test('joins the switch that is under way to it, for a lease or by hand', async () => {
    const given = leaseAndWait();
    const asked = [modes.setByHand('validation', { wait: true }), modes.setByHand('validation', { wait: true })];
    pool.under?.done();
    expect(await given).toMatchObject({ mode: 'validation', overruled: false });
    await Promise.all(asked);
    expect(pool.asked).toEqual(['validation']);
  });

  test('is asked of the pool again once it stands, which makes an end of what was asked of single backends', async () => {
    for (let times = 0; times < 2; times++) {
      const asked = modes.setByHand('quiet', { wait: true });
      pool.under?.done();
      await asked;
    }
    expect(pool.asked).toEqual(['quiet', 'quiet']);
  });

  test('keeps the one before it in use until the pool has been brought there', async () => {
    const asked = modes.setByHand('quiet', { wait: true });
    expect(modes.modesInUse).toEqual(['quiet', 'production']);
    pool.under?.done();
    await asked;
    await nextTurn();
    expect(modes.modesInUse).toEqual(['quiet']);
  });

  test('is forgotten when it was said several times and the pool could not be brought there', async () => {
    const asked = [1, 2, 3].map(() => modes.setByHand('quiet', { wait: true }));
    const refused = Promise.all(asked.map((said) => expect(said).rejects.toBe(rolledBack)));
    pool.under?.fail(rolledBack);
    await refused;
    expect(modes.modesInUse).toEqual(['production']);
  });

  test('is what remains, not the mode before it, when a lease overtook its switch', async () => {
    const overtaken = expect(modes.setByHand('quiet', { wait: true })).rejects.toMatchObject({
      code: 'switch-superseded',
    });
    const { id } = await lease();
    await overtaken;
    pool.under?.done();
    await modes.giveBack(id, { wait: false });
    expect(pool.asked).toEqual(['quiet', 'validation', 'quiet']);
  });

  test('is forgotten when it can not be had after a lease that overtook its switch', async () => {
    const overtaken = modes.setByHand('quiet', { wait: true }).catch(() => undefined);
    const { id } = await lease();
    await overtaken;
    pool.under?.done();
    await modes.giveBack(id, { wait: false });
    pool.under?.fail(rolledBack);
    await nextTurn();
    expect(modes.modesInUse).toEqual(['production']);
  });

  test('waits for the first mode to stand when it comes during the start', async () => {
    const starting = beforeItsStart();
    const asked = starting.setByHand('validation', { wait: true });
    expect(pool.asked).toEqual([]);
    starting.open();
    await Promise.resolve();
    pool.under?.done();
    await asked;
    expect(pool.asked).toEqual(['validation']);
  });
});

describe('a switch that waits for the first mode to stand', () => {
  test('is never begun when the lease that wanted it is given back before', async () => {
    const starting = beforeItsStart();
    const { id } = await starting.lease({ holder: 'nightly', mode: 'validation', ttlMs: 1_000 }, { wait: false });
    await starting.giveBack(id, { wait: false });
    starting.open();
    await nextTurn();
    expect(pool.asked).toEqual(['production']);
  });

  test('is never begun when its caller hangs up before', async () => {
    const starting = beforeItsStart();
    const caller = new AbortController();
    const { signal } = caller;
    const lease = starting.lease({ holder: 'nightly', mode: 'validation', ttlMs: 1_000 }, { wait: true, signal });
    const refused = expect(lease).rejects.toThrow('hung up');
    caller.abort(new Error('hung up'));
    await refused;
    starting.open();
    await nextTurn();
    expect(pool.asked).toEqual(['production']);
  });
});

describe('a lease that is waited for', () => {
  test('is given with its whole time once the pool has converged', async () => {
    const given = leaseAndWait();
    clock.advance(60_000);
    pool.under?.done();
    expect(await given).toMatchObject({ mode: 'validation', expiresAt: clock.epochNow() + 1_000, overruled: false });
  });

  test('joins the switch that is under way', async () => {
    const both = Promise.all([leaseAndWait(), leaseAndWait()]);
    pool.under?.done();
    expect(await both).toHaveLength(2);
    expect(pool.asked).toEqual(['validation']);
  });

  test('is not given, with the reason, when the switch is rolled back', async () => {
    const refused = expect(leaseAndWait()).rejects.toBe(rolledBack);
    pool.under?.fail(rolledBack);
    await refused;
    expect(modes.leases).toEqual([]);
    expect(events.at(-1)).toMatchObject({ kind: 'lease', evidence: 'no room' });
    expect(pool.targetMode).toBe('production');
  });

  test('is withdrawn, and the mode with it, when its caller hangs up', async () => {
    const caller = new AbortController();
    const refused = expect(leaseAndWait(caller.signal)).rejects.toThrow('hung up');
    caller.abort(new Error('hung up'));
    await refused;
    expect(modes.leases).toEqual([]);
    expect(pool.asked).toEqual(['validation', 'production']);
  });
});

describe('a lease that nobody waits for', () => {
  test('is withdrawn when the switch is rolled back', async () => {
    await lease();
    pool.under?.fail(rolledBack);
    await nextTurn();
    expect(modes.leases).toEqual([]);
  });
});

describe('a lease on another mode', () => {
  test('is refused, naming who holds which mode, while somebody holds one', async () => {
    await lease('validation', 'nightly');
    await expect(lease('quiet', 'somebody')).rejects.toMatchObject({
      code: 'lease-conflict',
      message: expect.stringMatching(/nightly holds validation for at least 1 s/),
    });
  });

  test('is given when the other one was overruled by hand', async () => {
    await lease('validation');
    await modes.setByHand('production', { wait: false });
    expect(await lease('quiet')).toMatchObject({ mode: 'quiet' });
  });

  test('is refused when there is no such mode', async () => {
    await expect(lease('holiday')).rejects.toMatchObject({ code: 'unknown-mode' });
    expect(modes.leases).toEqual([]);
  });
});

describe('ModeControl after another Understudy', () => {
  const lease = { id: 'lease-1', holder: 'nightly', mode: 'validation', ttlMs: 1_000, order: 2 };

  function take(over: ModeMemory, initialMode = 'production'): { kept: () => ModeMemory; modes: ModeControl } {
    let kept = over;
    const stateFile = {
      read: () => ({ modes: over }),
      put: (_name: string, section: unknown) => (kept = section as ModeMemory),
    };
    const onEvent = (event: PoolEvent) => events.push(event);
    const deps = { pool, clock, random: () => 0.5, log: silentLog, onEvent, stateFile };
    const subject = new ModeControl(initialMode, deps);
    subject.restore();
    return { kept: () => kept, modes: subject };
  }

  test('goes on with its word and its leases, which have their whole time before them', async () => {
    const { modes: subject } = take({ initialMode: 'production', hand: { mode: 'quiet', order: 1 }, leases: [lease] });
    subject.open();
    expect(pool.asked).toEqual(['validation']);
    pool.under!.done();
    clock.advance(999);
    expect(subject.leases).toMatchObject([{ id: 'lease-1', overruled: false }]);
    clock.advance(1);
    expect(pool.asked).toEqual(['validation', 'quiet']);
    await Promise.resolve();
  });

  test('obeys the mode that it was started in where that is another than before', () => {
    const left = { initialMode: 'production', hand: { mode: 'production', order: 1 }, leases: [lease] };
    pool.targetMode = 'quiet';
    const { modes: subject } = take(left, 'quiet');
    subject.open();
    expect(pool.asked).toEqual([]);
    expect(subject.leases).toMatchObject([{ id: 'lease-1', overruled: true }]);
  });

  test('forgets claims on modes that there are no more', () => {
    const left = { initialMode: 'production', hand: { mode: 'gone', order: 3 }, leases: [{ ...lease, mode: 'gone' }] };
    const { kept, modes: subject } = take(left);
    subject.open();
    expect(pool.asked).toEqual([]);
    expect(kept()).toMatchObject({ hand: { mode: 'production' }, leases: [] });
  });

  test('writes every claim down, and leaves them there when they are kept for another', async () => {
    const { kept, modes: subject } = take({
      initialMode: 'production',
      hand: { mode: 'production', order: 0 },
      leases: [],
    });
    subject.open();
    const given = subject.lease({ holder: 'cron', mode: 'validation', ttlMs: 5_000 }, { wait: true });
    pool.under!.done();
    await given;
    subject.close({ keep: true });
    expect(kept().leases).toMatchObject([{ holder: 'cron', mode: 'validation' }]);
  });
});

describe('a mode that the pool refuses at once', () => {
  const tooMuch = new UnderstudyError('no way to it', { code: 'not-reachable', source: 'operator' });

  beforeEach(() => {
    // As the manager does it: it checks before it waits for anything.
    pool.setMode = async () => {
      await Promise.resolve();
      throw tooMuch;
    };
  });

  test('is refused to whoever sets it by hand without waiting', async () => {
    await expect(modes.setByHand('quiet', { wait: false })).rejects.toBe(tooMuch);
    expect(modes.modesInUse).toEqual(['production']);
  });

  test('is held by no lease that nobody waits for', async () => {
    await expect(lease('quiet')).rejects.toBe(tooMuch);
    expect(modes.leases).toEqual([]);
  });
});

test('claims that could not be written are written as soon as that is possible', async () => {
  let isFull = true;
  let written: ModeMemory | undefined;
  const stateFile = {
    read: () => ({}),
    put: (_name: string, memory: unknown) => {
      if (isFull) throw new Error('no space left');
      written = memory as ModeMemory;
    },
  };
  const subject = new ModeControl('production', {
    pool,
    clock,
    random: () => 0.5,
    log: silentLog,
    onEvent: () => undefined,
    stateFile,
  });
  subject.open();
  await subject.lease({ holder: 'nightly', mode: 'validation', ttlMs: 60_000 }, { wait: false });
  expect(written).toBeUndefined();
  isFull = false;
  clock.advance(10_000);
  expect(written).toMatchObject({ leases: [expect.objectContaining({ holder: 'nightly' })] });
  subject.close();
});
