// Every fault behind every proxy, under load of repeatable requests: what failed, how long clients felt it.

import { ClientLoad, type Outcome } from '../../src/chaos/client-load.js';
import { systemClock } from '../../src/core/clock.js';
import type { Row } from '../support/report.js';
import { median } from '../support/statistics.js';
import type { Fault } from './faults.js';
import type { Front } from './front.js';
import type { FrontKind } from './fronts.js';

const CONNECTIONS = 16;
/** The workers are not the limit: what is measured is the fault, not a contest for the CPU. */
const THINK_MS = 10;
/** A proxy that runs for days is not measured in its first second. */
const WARM_UP_MS = 3_000;
const STEADY_MS = 500;
const WATCH_MS = 3_000;
/** A request that takes longer was disturbed: far above what these workers need, even on a busy machine. */
const DISTURBED_MS = 150;

interface Strike {
  readonly answered: number;
  readonly failures: readonly string[];
  /** From the fault to the end of the last request that failed or was slow; 0 when none was. */
  readonly recoveryMs: number;
  readonly slowestMs: number;
}

export interface SideBySideOptions {
  readonly fronts: readonly FrontKind[];
  readonly faults: readonly Fault[];
  readonly command: readonly string[];
  readonly rounds: number;
}

/** The proxies take turns round by round, one at a time, so that none pays for the others' checks. */
export async function measureSideBySide(options: SideBySideOptions): Promise<readonly Row[]> {
  const strikes = new Map<string, Strike[]>();
  for (let round = 0; round < options.rounds; round += 1) {
    for (const kind of options.fronts) {
      const front = await kind.start(options.command);
      try {
        await warmUp(front);
        for (const fault of options.faults) {
          const key = `${fault.name} ${kind.name}`;
          strikes.set(key, [...(strikes.get(key) ?? []), await strikeOnce(front, fault)]);
          await front.settle();
        }
      } finally {
        await front.stop();
      }
    }
  }
  return options.faults.flatMap((fault) =>
    options.fronts.map((kind) => summarise(fault.name, kind.name, strikes.get(`${fault.name} ${kind.name}`)!)),
  );
}

async function warmUp(front: Front): Promise<void> {
  const load = startLoad(front, () => undefined);
  await sleep(WARM_UP_MS);
  await load.stop();
}

function startLoad({ url }: Front, onOutcome: (outcome: Outcome) => void): ClientLoad {
  const next = () => ({ method: 'GET', path: '/' }) as const;
  return new ClientLoad({
    url: () => url,
    connections: CONNECTIONS,
    thinkMs: THINK_MS,
    clock: systemClock,
    next,
    onOutcome,
  });
}

async function strikeOnce(front: Front, fault: Fault): Promise<Strike> {
  const outcomes: Outcome[] = [];
  const load = startLoad(front, (outcome) => outcomes.push(outcome));
  await sleep(STEADY_MS);
  const struckAtMs = systemClock.now();
  await fault.strike(front);
  await sleep(WATCH_MS);
  await load.stop();
  return account(
    outcomes.filter(({ startedAtMs, durationMs }) => startedAtMs + durationMs >= struckAtMs),
    struckAtMs,
  );
}

function account(outcomes: readonly Outcome[], struckAtMs: number): Strike {
  const failed = outcomes.filter(hasFailed);
  const disturbed = outcomes.filter((outcome) => hasFailed(outcome) || outcome.durationMs > DISTURBED_MS);
  const ends = disturbed.map(({ startedAtMs, durationMs }) => startedAtMs + durationMs - struckAtMs);
  return {
    answered: outcomes.length - failed.length,
    failures: failed.map(({ failure, status }) => failure ?? `status ${status}`),
    recoveryMs: Math.max(0, ...ends),
    slowestMs: Math.max(0, ...outcomes.map(({ durationMs }) => durationMs)),
  };
}

/** Other proxies' own errors carry no mark: anything but a success is one, since the workers only succeed. */
function hasFailed({ failure, status = 0 }: Outcome): boolean {
  return failure !== undefined || status >= 400;
}

function summarise(fault: string, front: string, strikes: readonly Strike[]): Row {
  const both = (values: readonly number[]) => `${Math.round(median(values))} / ${Math.round(Math.max(...values))}`;
  const causes = new Set(strikes.flatMap(({ failures }) => failures));
  return {
    fault,
    proxy: front,
    rounds: strikes.length,
    answered: strikes.reduce((sum, { answered }) => sum + answered, 0),
    failed: strikes.reduce((sum, { failures }) => sum + failures.length, 0),
    'recovery ms': both(strikes.map(({ recoveryMs }) => recoveryMs)),
    'slowest ms': both(strikes.map(({ slowestMs }) => slowestMs)),
    'failed with': [...causes].join(', '),
  };
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
