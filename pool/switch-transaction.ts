// One switch of mode as a transaction: begun, and then done only when the pool has converged, or rolled back when a
// worker that it needs can't be started. It judges and reports; the manager acts on the verdict.
import type { Clock } from '../src/core/clock.js';
import { operatorError, type UnderstudyError } from '../src/core/errors.js';
import { roleIn, type Shape } from './modes.js';
import type { Step } from './plan-input.js';
import { waiting, type Progress } from './waiters.js';
import type { Worker } from './worker.js';

export interface TakenStep {
  readonly step: Step;
  /** Milliseconds since the switch began. */
  readonly atMs: number;
}

export interface SwitchReport {
  /** Undefined for the first start. */
  readonly from: string | undefined;
  readonly to: string;
  readonly steps: readonly TakenStep[];
  readonly durationMs: number;
}

export interface ShapeChange {
  /** Undefined for the first start. */
  readonly from: Shape | undefined;
  readonly to: Shape;
  /** For a change of the options: brings the earlier ones back. */
  readonly undo: (() => void) | undefined;
}

export class SwitchTransaction {
  readonly from: Shape | undefined;
  readonly to: Shape;
  readonly undo: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #beganAtMs: number;
  /** Workers that had a process before the switch. */
  readonly #runningBefore: ReadonlySet<string>;
  /** Those of them that the switch leaves alone. If one fails and will start again by itself, the switch goes on. */
  readonly #leftAlone: ReadonlySet<string>;
  /** Failures from before the switch: it tries those workers again. */
  readonly #forgiven: ReadonlySet<UnderstudyError>;
  readonly #steps: TakenStep[] = [];
  #outcome: Progress = waiting;

  constructor(change: ShapeChange, workers: readonly Worker[], clock: Clock) {
    this.from = change.from;
    this.to = change.to;
    this.undo = change.undo;
    this.#clock = clock;
    this.#beganAtMs = clock.now();
    const running = workers.filter(({ state }) => state.kind !== 'off' && state.kind !== 'failed');
    this.#runningBefore = new Set(running.map(({ id }) => id));
    this.#leftAlone = new Set(running.filter(({ stale }) => !stale).map(({ id }) => id));
    this.#forgiven = new Set(workers.flatMap(({ state }) => (state.kind === 'failed' ? [state.error] : [])));
  }

  get outcome(): Progress {
    return this.#outcome;
  }

  /** The very first start has nothing to go back to. */
  get first(): boolean {
    return this.from === undefined;
  }

  ranBefore(id: string): boolean {
    return this.#runningBefore.has(id);
  }

  /** The first verdict counts. */
  settle(outcome: Progress): void {
    if (this.#outcome.kind === 'waiting') this.#outcome = outcome;
  }

  noteStep(step: Step): void {
    this.#steps.push({ step, atMs: this.#clock.now() - this.#beganAtMs });
  }

  report(): SwitchReport {
    const durationMs = this.#clock.now() - this.#beganAtMs;
    return { from: this.from?.mode, to: this.to.mode, steps: this.#steps, durationMs };
  }

  /** What makes this switch impossible, if anything does. */
  findFailure(workers: readonly Worker[]): UnderstudyError | undefined {
    for (const worker of workers) {
      const { state, id } = worker;
      if (state.kind !== 'failed' || roleIn(this.to, id) === 'off' || this.#forgiven.has(state.error)) continue;
      if (!this.#leftAlone.has(id) || state.retryAtMs === undefined) return this.#failureOf(id, state.error);
    }
    return undefined;
  }

  #failureOf(id: string, error: UnderstudyError): UnderstudyError {
    const { from, to, undo } = this;
    // The first start has no shape to go back to: its error is the worker's own.
    if (from === undefined) return error;
    const refusal =
      undo === undefined
        ? `Cannot switch to ${to.mode}: starting ${id} failed. The pool stays in ${from.mode}.`
        : `Cannot change the pool: starting ${id} failed. It stays as it was.`;
    const message = `${refusal} ${error.message}`;
    return operatorError('switch-rolled-back', message, error);
  }
}
