// One metric whose samples are read when Prometheus asks: nothing is kept twice, and what counts in the data path stays
// a plain number. prom-client does the text.

import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** For the parts of a histogram: the family's name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  read(): readonly Sample[];
}

export function registerFamily(registry: Registry, family: Family): void {
  const { name, help, type } = family;
  const metric = {
    name,
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: family.read() }),
    reset: () => undefined,
  };
  // The registry asks no more of a metric than this; its types want one of prom-client's own classes.
  registry.registerMetric(metric as unknown as Metric);
}

/** Counts of rare things by one label. */
export class LabelledCount {
  readonly #label: string;
  readonly #counts = new Map<string, number>();

  constructor(label: string) {
    this.#label = label;
  }

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  samples(): Sample[] {
    return [...this.#counts].map(([value, count]) => ({ labels: { [this.#label]: value }, value: count }));
  }
}
