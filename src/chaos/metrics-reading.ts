// Reads the Prometheus text of an instance: counters by label, and the differences and quantiles of histograms.

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): readonly MetricSample[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    if (match === null) return [];
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(LABEL)].map((label) => [label[1]!, label[2]!]));
    return [{ name: match[1]!, labels, value: Number(match[3]) }];
  });
}

/** A counter's values added up by one of its labels. */
export function countsBy(samples: readonly MetricSample[], name: string, label: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    if (sample.name !== name || sample.value === 0) continue;
    const key = sample.labels[label] ?? '';
    counts.set(key, (counts.get(key) ?? 0) + sample.value);
  }
  return counts;
}

/**
 * The upper bound of the histogram's bucket that holds this share of what was observed since `before`: no better than its
 * buckets, and never too small. NaN when nothing was.
 */
export function quantileSince(
  histogram: string,
  share: number,
  { before, after }: { readonly before: readonly MetricSample[]; readonly after: readonly MetricSample[] },
): number {
  const earlier = new Map(bucketsOf(before, histogram));
  const buckets = bucketsOf(after, histogram).map(
    ([bound, count]) => [bound, count - (earlier.get(bound) ?? 0)] as const,
  );
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return Number.NaN;
  return buckets.find(([, count]) => count >= share * total)![0];
}

function bucketsOf(samples: readonly MetricSample[], histogram: string): (readonly [bound: number, count: number])[] {
  return samples
    .filter(({ name }) => name === `${histogram}_bucket`)
    .map(({ labels, value }) => [labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value] as const);
}
