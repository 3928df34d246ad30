// Medians and quantiles of small samples.

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the sample lies (nearest rank). NaN for an empty sample. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}
