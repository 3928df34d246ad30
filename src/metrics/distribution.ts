// A histogram that costs a short search and two additions a value.

import type { Labels, Sample } from './family.js';

export class Distribution {
  readonly #bounds: readonly number[];
  /** One a bound, and one for what is above them all; each value is in exactly one. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index += 1;
    this.#counts[index]! += 1;
    this.#sum += value;
  }

  /** As Prometheus wants it: each bucket counts all that lies below its bound. */
  samples(name: string, labels: Labels = {}): Sample[] {
    let count = 0;
    const buckets = [...this.#counts].map((inBucket, index): Sample => {
      count += inBucket;
      const le = index < this.#bounds.length ? String(this.#bounds[index]) : '+Inf';
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
