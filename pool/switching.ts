// Switches of the pool's shape: the one that stands, the one that is aimed at, and the transaction between them. At most one
// is under way; another one that begins meanwhile supersedes it, and one that can't be done goes back to what stood.
import type { Clock } from '../src/core/clock.js';
import { errorMessage, operatorError, type UnderstudyError } from '../src/core/errors.js';
import { roleIn, runs, type Shape } from './modes.js';
import type { News } from './news.js';
import { countServing, type ObservedWorker } from './observed.js';
import type { PlanInput, Step } from './plan-input.js';
import { isConverged } from './planner.js';
import { SwitchTransaction, type SwitchReport } from './switch-transaction.js';
import { done, waiting, type Progress, type Waiters } from './waiters.js';
import type { Why } from './why.js';
import type { Worker } from './worker.js';

export interface SwitchingDeps {
  readonly clock: Clock;
  readonly waiters: Waiters;
  readonly news: News;
  readonly workers: () => readonly Worker[];
  readonly observe: () => readonly ObservedWorker[];
  /** The target with wishes and memory pressure laid over it. */
  readonly shape: () => Shape;
  /** Why no worker may be started, if that is for long. */
  readonly refusal: () => string | undefined;
  /** The target has changed: the limits of its mode hold from here on. */
  readonly onAimed: (shape: Shape) => void;
  /** Takes the first steps towards the target. `before` may change several workers; they are planned for together. */
  readonly carryOut: (why: Why, before?: () => void) => void;
}

interface ChangeOptions {
  readonly signal: AbortSignal | undefined;
  readonly cause: string;
  /** For a change of the options: brings the earlier ones back. */
  readonly undo?: () => void;
}

/** Before anything was started: nothing is wished for, nothing is promised. */
const EMPTY_SHAPE: Shape = { mode: 'none', wishes: new Map(), capacity: 0, floor: 0, forks: 1 };

export class Switching {
  readonly #deps: SwitchingDeps;
  /** What a failed switch goes back to. */
  #standing = EMPTY_SHAPE;
  #target = EMPTY_SHAPE;
  #underWay: SwitchTransaction | undefined;
  /** The last one that waited for its turn. */
  #queued: { readonly mode: string } | undefined;

  constructor(deps: SwitchingDeps) {
    this.#deps = deps;
  }

  /** The shape that the pool has, or is on its way to. */
  get target(): Shape {
    return this.#target;
  }

  /** The shape that stood last; undefined as long as none has. */
  get standing(): Shape | undefined {
    return this.#standing === EMPTY_SHAPE ? undefined : this.#standing;
  }

  /** On the way to a shape the lower limits count: its own, or those of what stands. */
  limitsTo({ floor, capacity }: Shape): Pick<PlanInput, 'floor' | 'promised'> {
    return { floor: Math.min(this.#standing.floor, floor), promised: Math.min(this.#standing.capacity, capacity) };
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** A change of the options is under way, which either stands or is undone. */
  get isUndoable(): boolean {
    return this.#underWay?.undo !== undefined;
  }

  /** Goes on in a shape that an earlier Understudy brought about. */
  resumeIn(shape: Shape): void {
    this.#standing = shape;
    this.#aimAt(shape);
  }

  noteStep(step: Step): void {
    this.#underWay?.noteStep(step);
  }

  /** What was under way ends with the pool: nobody is told, and nothing is undone. */
  abandon(): void {
    this.#underWay = undefined;
  }

  async waitSettled(signal?: AbortSignal): Promise<void> {
    const isSettled = () => (this.#underWay === undefined ? done : waiting);
    // Checked again after each wait: another waiter may have begun a change first.
    while (this.#underWay !== undefined) await this.#deps.waiters.waitUntil(isSettled, signal);
  }

  /**
   * What is under way ends before the switch begins. Of several that wait for that the newest counts.
   * @throws UnderstudyError (operator) `switch-superseded`; the signal's reason.
   */
  async waitTurn(mode: string, signal?: AbortSignal): Promise<void> {
    const own = (this.#queued = { mode });
    await this.waitSettled(signal);
    if (this.#queued !== own) throw superseded(mode, this.#queued.mode);
  }

  /**
   * Begins the switch in this turn of the event loop. Resolves once the pool has converged. If it can't converge, rejects once
   * nothing of the switch is left.
   * @throws UnderstudyError (operator) `switch-rolled-back`, `switch-superseded`, `no-headroom`; the signal's reason.
   */
  async changeTo(to: Shape, { signal, cause, undo }: ChangeOptions): Promise<SwitchReport> {
    const { clock, workers, waiters, news, carryOut } = this.#deps;
    const from = this.standing;
    const transaction = new SwitchTransaction({ from, to, undo }, workers(), clock);
    this.#underWay?.settle({ kind: 'failed', error: superseded(this.#underWay.to.mode, to.mode) });
    this.#underWay = transaction;
    this.#aimAt(to);
    news.announce({ kind: 'mode', from: from?.mode, to: to.mode, cause });
    carryOut({ cause }, () => {
      for (const worker of workers()) worker.pardon();
    });
    const onAbort = () => this.#rollBack(transaction, signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await waiters.waitUntil(() => this.#progressOf(transaction));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    return transaction.report();
  }

  /** Called in each round of a turn: ends the switch under way if it is done, or rolls it back if it can't be done. */
  settle(): void {
    const { workers, observe, shape, news } = this.#deps;
    const transaction = this.#underWay;
    if (transaction === undefined) return;
    const failure = transaction.findFailure(workers()) ?? this.#refusalOf(transaction);
    if (failure !== undefined) return this.#rollBack(transaction, failure);
    if (!isConverged({ shape: shape(), workers: observe() })) return;
    this.#standing = this.#target;
    this.#underWay = undefined;
    transaction.settle(done);
    const { from, to } = transaction;
    news.announce({ kind: 'mode', from: from?.mode, to: to.mode, cause: 'the switch is done' });
  }

  #progressOf(transaction: SwitchTransaction): Progress {
    const { outcome } = transaction;
    if (outcome.kind !== 'failed' || this.#underWay !== undefined) return outcome;
    // A caller who hears of the failure may count on it that nothing of the switch is left.
    return this.#isAnythingLeftOf(transaction) && !transaction.first ? waiting : outcome;
  }

  /** Not counting workers that ran before it or stand in for lost ones: they may stay for long. */
  #isAnythingLeftOf(transaction: SwitchTransaction): boolean {
    const { workers, observe } = this.#deps;
    const shape = this.#deps.shape();
    const active = observe().filter(({ id }) => roleIn(shape, id) === 'active');
    const isShort = countServing(active) < shape.capacity;
    const isWished = (id: string) => {
      const wish = shape.wishes.get(id);
      return wish !== undefined && (runs(wish) || (isShort && wish.role === 'standby'));
    };
    return workers().some(({ id, state }) => state.kind !== 'off' && !isWished(id) && !transaction.ranBefore(id));
  }

  #refusalOf({ from, to }: SwitchTransaction): UnderstudyError | undefined {
    const refusal = this.#deps.refusal();
    if (refusal === undefined) return undefined;
    const rest = from === undefined ? '' : ` The pool stays in ${from.mode}.`;
    return operatorError('no-headroom', `Cannot bring up ${to.mode}: ${refusal}.${rest}`);
  }

  #rollBack(transaction: SwitchTransaction, error: Error): void {
    if (this.#underWay !== transaction) return;
    this.#underWay = undefined;
    this.#aimAt(this.#standing);
    transaction.undo?.();
    transaction.settle({ kind: 'failed', error });
    const why = { cause: 'the switch is rolled back', evidence: errorMessage(error) };
    this.#deps.news.announce({ kind: 'mode', from: transaction.to.mode, to: this.#standing.mode, ...why });
    this.#deps.carryOut(why);
  }

  #aimAt(shape: Shape): void {
    this.#target = shape;
    this.#deps.onAimed(shape);
  }
}

export function superseded(mode: string, by: string): UnderstudyError {
  return operatorError('switch-superseded', `The switch to ${mode} was given up: ${by} was asked for meanwhile.`);
}
