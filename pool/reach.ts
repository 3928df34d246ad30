// Refuses what the pool can't reach before anything is touched. It plays through the very steps that would be taken.
import { operatorError } from '../src/core/errors.js';
import { roleIn, type Shape } from './modes.js';
import type { ObservedWorker } from './observed.js';
import type { PlanInput } from './plan-input.js';
import { forecastSwitch, type Forecast } from './switch-forecast.js';
import type { Worker } from './worker.js';

export interface ReachDeps {
  /** What a turn would plan from now. */
  readonly planInput: () => PlanInput;
  readonly limitsTo: (shape: Shape) => Pick<PlanInput, 'floor' | 'promised'>;
  /** Most processes at once. */
  readonly budget: () => number;
}

export class Reach {
  readonly #deps: ReachDeps;

  constructor(deps: ReachDeps) {
    this.#deps = deps;
  }

  /**
   * The way to a shape.
   * @param replaced workers that are to get new processes on the way.
   */
  forecast(shape: Shape, replaced: readonly Worker[] = []): Forecast {
    const input = this.#deps.planInput();
    const isReplaced = ({ id }: ObservedWorker) => replaced.some((worker) => worker.id === id);
    return forecastSwitch({
      ...input,
      workers: input.workers.map((worker) => (isReplaced(worker) ? { ...worker, outdated: true } : worker)),
      shape,
      ...this.#deps.limitsTo(shape),
    });
  }

  /** @throws UnderstudyError (operator) `not-reachable`. */
  require(shape: Shape, action: string, replaced?: readonly Worker[]): void {
    const { reachable, leastServing } = this.forecast(shape, replaced);
    if (reachable) return;
    const limits = `budget ${this.#deps.budget()} processes, floor ${shape.floor} usable workers`;
    const facts = `${limits}, ${leastServing} at the least on the way`;
    throw operatorError('not-reachable', `Cannot ${action}: there is no way to it within the limits (${facts}).`);
  }

  /**
   * A backend that nothing can replace is kept in traffic by the floor, so its drain would never end.
   * @throws UnderstudyError (operator) `not-reachable`.
   */
  requireReplaceable(backend: string, shape: Shape, ids: readonly string[]): void {
    // What nobody wants stays in traffic only because nothing takes its place.
    const serving = this.forecast(shape).serving.filter((id) => roleIn(shape, id) !== 'off');
    // With a budget of one process nothing stays, and nobody serves.
    if (!ids.some((id) => serving.includes(id)) && serving.length >= shape.floor) return;
    const facts = `mode ${shape.mode} keeps at least ${shape.floor} in traffic`;
    throw operatorError('not-reachable', `Cannot drain ${backend}: nothing can take its place (${facts}).`);
  }
}
