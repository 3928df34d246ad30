// What went on between two looks at the status, per second. Pure, and free of Node: the dashboard's page has it too.

import type { StatusView, WorkerStatus } from './status-view.js';

/** A status, and when it was read: milliseconds of a clock that never goes back. */
export interface Look {
  readonly status: StatusView;
  readonly atMs: number;
}

/** Per second. */
export interface Rate {
  readonly requests: number;
  readonly failures: number;
}

export interface Rates {
  readonly total: Rate;
  /** By worker id. */
  readonly workers: ReadonlyMap<string, Rate>;
}

const NONE: Rate = { requests: 0, failures: 0 };

/** Undefined at the first look: a rate takes two. */
export function ratesOf(look: Look, before: Look | undefined): Rates | undefined {
  if (before === undefined || look.atMs <= before.atMs) return undefined;
  const seconds = (look.atMs - before.atMs) / 1000;
  const earlier = new Map(workersOf(before.status).map((worker) => [worker.id, worker]));
  const workers = new Map(
    workersOf(look.status).map((worker) => [worker.id, rateOf(worker, { before: earlier.get(worker.id), seconds })]),
  );
  return { total: [...workers.values()].reduce(added, NONE), workers };
}

/** Counts begin anew when a worker comes back into traffic. */
function rateOf(
  now: WorkerStatus,
  { before, seconds }: { readonly before: WorkerStatus | undefined; readonly seconds: number },
): Rate {
  const isSame = before !== undefined && before.requests <= now.requests && before.failures <= now.failures;
  const since = isSame ? before : NONE;
  return {
    requests: (now.requests - since.requests) / seconds,
    failures: (now.failures - since.failures) / seconds,
  };
}

export function added(one: Rate, other: Rate): Rate {
  return { requests: one.requests + other.requests, failures: one.failures + other.failures };
}

function workersOf(status: StatusView): readonly WorkerStatus[] {
  return status.backends.flatMap(({ workers }) => workers);
}
