// Memory pressure as the pool feels it: what is in force now, what that makes of a shape and of starts, and each step in
// plain words. When to take one is the ladder's business.
import type { Clock } from '../src/core/clock.js';
import type { ResourceReading } from '../src/core/resource-reading.js';
import type { TrafficPort } from '../src/core/traffic-port.js';
import type { Shape } from './modes.js';
import type { PoolOptions } from './options.js';
import type { PressureView } from './pool-view.js';
import { PressureLadder, type PressureAct, type PressureStep } from './resources/pressure-ladder.js';
import { hasWarmer, underPressure } from './under-pressure.js';
import type { Why } from './why.js';

export interface PressureWatchDeps {
  readonly traffic: Pick<TrafficPort, 'shedBatch'>;
  readonly clock: Clock;
  /** Those of the moment. */
  options(): Pick<PoolOptions, 'pressure' | 'sleepHooks'>;
}

const WORDS: Readonly<Record<PressureAct, string>> = {
  'pause-starts': 'no worker is started',
  'freeze-standby': 'the standby is frozen',
  'sleep-standby': 'the standby is put to sleep',
  'shed-batch': 'batch requests are turned away',
};

const RULE =
  'when memory runs short: pause starts, freeze the standby, put it to sleep, shed batch; never end an active worker';

export class PressureWatch {
  readonly #deps: PressureWatchDeps;
  readonly #ladder = new PressureLadder();

  constructor(deps: PressureWatchDeps) {
    this.#deps = deps;
  }

  get view(): PressureView {
    const { acts, evidence } = this.#ladder;
    return { acts, evidence: acts.length === 0 ? undefined : evidence };
  }

  /** Why no worker is started now; undefined while starts are not paused. */
  get pausedBecause(): string | undefined {
    const { acts, evidence } = this.#ladder;
    return acts.includes('pause-starts') ? `memory is short: ${evidence}` : undefined;
  }

  apply(shape: Shape): Shape {
    return underPressure(shape, this.#ladder.acts);
  }

  /** Weighs a reading. Returns the step that it led to, in words; traffic knows of it then. */
  weigh(reading: ResourceReading, shape: Shape): Why | undefined {
    const { pressure, sleepHooks } = this.#deps.options();
    if (pressure === undefined) return this.#lookAway();
    const isPossible = (act: PressureAct) => {
      if (act === 'freeze-standby') return hasWarmer(shape, 'frozen');
      return act !== 'sleep-standby' || (sleepHooks !== undefined && hasWarmer(shape, 'asleep'));
    };
    // Not by the reading's own time: that is the wall clock's, which may be set back.
    const look = { ...reading, nowMs: this.#deps.clock.now() };
    const step = this.#ladder.note(look, pressure, isPossible);
    if (step === undefined) return undefined;
    this.#deps.traffic.shedBatch(this.#ladder.acts.includes('shed-batch'));
    return describe(step);
  }

  /** Whoever says that nobody is to look says that nothing is to be held back. */
  #lookAway(): Why | undefined {
    if (this.#ladder.acts.length === 0) return undefined;
    this.#ladder.clear();
    this.#deps.traffic.shedBatch(false);
    return { cause: 'memory pressure is looked at no more: what was held back for it goes on', rule: RULE };
  }
}

function describe({ act, begun, evidence }: PressureStep): Why {
  const cause = begun ? `memory is short: ${WORDS[act]}` : `memory is no longer short: no longer so that ${WORDS[act]}`;
  return { cause, evidence, rule: RULE };
}
