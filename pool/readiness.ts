// Judges a worker's health from its probes: rise and fall, busy is not dead, refused is dead at once. Pure; the loop
// that probes is probe-loop.ts.
import type { HealthOptions } from './options.js';
import type { ProbeResult } from './worker-runtime.js';

export type HealthVerdict =
  /** Not proved yet. */
  | 'unproven'
  | 'well'
  /** Under suspicion: failed lately, or reported by traffic, not condemned. */
  | 'suspect'
  | 'down';

export interface Health {
  readonly verdict: HealthVerdict;
  /** In a row. */
  readonly passes: number;
  readonly fails: number;
  /** What the last probe said, in words. */
  readonly evidence: string;
}

export const unproven: Health = { verdict: 'unproven', passes: 0, fails: 0, evidence: 'not probed yet' };

/** Of a process that had proved itself to somebody before us: taken at its word, and judged as one that serves. */
export const provenBefore: Health = { ...unproven, verdict: 'suspect' };

/** `busy`: its process computed or answered somebody since the probe before, so a missing answer means work, not death. */
export function judgeProbe(
  health: Health,
  probe: { readonly result: ProbeResult; readonly busy: boolean },
  options: Pick<HealthOptions, 'rise' | 'fall'>,
): Health {
  const evidence = describeProbe(probe.result);
  if (probe.result.kind === 'passed') return afterPass(health, evidence, options.rise);
  if (probe.result.kind === 'timeout' && probe.busy && health.verdict !== 'unproven') {
    return { ...health, evidence: `${evidence}, but its process is busy` };
  }
  // We lacked something ourselves: that speaks neither for the worker nor against it.
  if (probe.result.kind === 'unknown') return { ...health, evidence };
  return afterFail(health, evidence, probe.result.kind === 'refused' ? 1 : options.fall);
}

function afterPass(health: Health, evidence: string, rise: number): Health {
  const passes = health.passes + 1;
  const proven = health.verdict === 'well' || health.verdict === 'suspect' || passes >= rise;
  return { verdict: proven ? 'well' : health.verdict, passes, fails: 0, evidence };
}

function afterFail(health: Health, evidence: string, fall: number): Health {
  const fails = health.fails + 1;
  if (health.verdict === 'unproven') return { verdict: 'unproven', passes: 0, fails, evidence };
  return { verdict: fails >= fall || health.verdict === 'down' ? 'down' : 'suspect', passes: 0, fails, evidence };
}

export function describeProbe(result: ProbeResult): string {
  switch (result.kind) {
    case 'passed':
      return `answered ${result.status}`;
    case 'bad-status':
      return `answered ${result.status}`;
    case 'refused':
      return 'refused the connection';
    case 'timeout':
      return 'did not answer in time';
    case 'broken':
      return `broke the answer off (${result.reason})`;
    case 'unknown':
      return `could not be asked, for want of descriptors, ports or memory on our side (${result.reason})`;
  }
}

/** How long to wait before the next probe. */
export function probePauseMs(health: Health, options: HealthOptions): number {
  return health.verdict === 'well' && health.fails === 0 ? options.intervalMs : options.suspiciousIntervalMs;
}
