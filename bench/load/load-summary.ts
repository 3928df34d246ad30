// What a load measured, as its program prints it.

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** One line of JSON: wrk's by its Lua hook, loopback.c's. */
interface Summary {
  readonly requests: number;
  readonly durationMicroseconds: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  readonly failed: number;
}

export function readSummary(line: string): LoadResult {
  const { requests, durationMicroseconds, p50Microseconds, p99Microseconds, failed } = JSON.parse(line) as Summary;
  return {
    requests,
    requestsPerSecond: requests / (durationMicroseconds / 1e6),
    p50Ms: p50Microseconds / 1e3,
    p99Ms: p99Microseconds / 1e3,
    failed,
  };
}
