// Tells traffic which workers may get requests, when that has changed. Keeps the panic rule: rather send to workers
// that look down than to nobody, since the breaker and the repeat are behind it.
import type { TrafficPort, UpstreamTarget } from '../src/core/traffic-port.js';
import type { Worker } from './worker.js';

export class TargetPublisher {
  readonly #traffic: TrafficPort;
  #published = '';

  constructor(traffic: TrafficPort) {
    this.#traffic = traffic;
  }

  /** Returns whether there was anything to tell. */
  publish(workers: readonly Worker[]): boolean {
    const targets = targetsOf(workers);
    const key = JSON.stringify(
      targets.map(({ id, generation, weight, maxInflight }) => [id, generation, weight, maxInflight]),
    );
    if (key === this.#published) return false;
    this.#published = key;
    this.#traffic.applyTargets(targets);
    return true;
  }
}

/** A worker whose breaker is open stays: its breaker is traffic's own, and knows when to try again. */
function targetsOf(workers: readonly Worker[]): UpstreamTarget[] {
  const willing = workers.filter((worker) => worker.willing).flatMap((worker) => worker.target ?? []);
  return willing.length > 0 ? willing : workers.flatMap((worker) => worker.target ?? []);
}
