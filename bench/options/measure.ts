// One round of one option: latency, CPU and memory while the validation job runs, then what is lost when primary and
// secondary die together.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseCpuTime } from '../../pool/resources/machine-meter.js';
import { runningHere } from '../../pool/resources/run-with-deadline.js';
import { GpuSampler } from '../../pool/resources/gpu-sampler.js';
import { readTree } from '../../pool/resources/process-tree.js';
import { systemClock } from '../../src/core/clock.js';
import { OpenLoad, type Answer } from './open-load.js';
import { start, type Stack } from './stacks.js';

export interface RoundSetup {
  readonly perSecond: number;
  readonly seed: number;
  readonly job: readonly string[];
}

export interface RoundResult {
  readonly latenciesMs: readonly number[];
  readonly jobSeconds: number;
  /** Shares of the whole machine, one a sample. */
  readonly machineCpu: readonly number[];
  readonly backendCores: number;
  readonly backendBytes: number;
  readonly frontBytes: number;
  readonly processes: number;
  readonly gpuBusyShare: number | undefined;
  readonly failedUnderJob: number;
  readonly sentAfterKill: number;
  readonly failedAfterKill: number;
  /** From the kill until no request failed any more; undefined when it never came to that. */
  readonly recoveryMs: number | undefined;
}

const WARM_UP_MS = 1_000;
const SAMPLE_MS = 200;
const WATCH_AFTER_KILL_MS = 3_000;
/** The end of the watch must be free of failures to be called a recovery. */
const CALM_MS = 1_000;
const TICKS_PER_SECOND = 100;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function measureRound(stack: Stack, { perSecond, seed, job }: RoundSetup): Promise<RoundResult> {
  const load = new OpenLoad(stack.url, { perSecond, seed });
  try {
    await pause(WARM_UP_MS);
    const usage = await measureJob(stack, job);
    const under = load.answers.filter(({ dueAt }) => dueAt >= usage.beganAt && dueAt <= usage.endedAt);
    await pause(CALM_MS);
    const killedAt = performance.now();
    await stack.killActives();
    await pause(WATCH_AFTER_KILL_MS);
    await load.stop();
    const after = load.answers.filter(({ dueAt, doneAt }) => dueAt >= killedAt || doneAt >= killedAt);
    return {
      ...usage.result,
      latenciesMs: under.map(({ dueAt, doneAt }) => doneAt - dueAt),
      failedUnderJob: under.filter(({ ok }) => !ok).length,
      sentAfterKill: after.length,
      failedAfterKill: after.filter(({ ok }) => !ok).length,
      recoveryMs: recoveryMs(after, killedAt),
    };
  } finally {
    await load.stop();
  }
}

async function measureJob(stack: Stack, job: readonly string[]) {
  const command = stack.jobCommand(job);
  const roots = await stack.backendRoots();
  const before = ticksOf(roots);
  const beganAt = performance.now();
  const child = start(command);
  const ended = once(child, 'close');
  let printed = '';
  child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  let running = true;
  void ended.then(() => (running = false));
  const machineCpu: number[] = [];
  let last = readCpu();
  while (running) {
    await pause(SAMPLE_MS);
    const now = readCpu();
    machineCpu.push((now.busy - last.busy) / Math.max(1, now.total - last.total));
    last = now;
  }
  const endedAt = performance.now();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`the job ended with ${code}`);
  const seconds = (endedAt - beganAt) / 1000;
  const trees = roots.flatMap((root) => readTree(root) ?? []);
  const result = {
    jobSeconds: Number(printed),
    machineCpu,
    backendCores: (ticksOf(roots) - before) / TICKS_PER_SECOND / seconds,
    backendBytes: trees.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    frontBytes: residentBytesOf(stack.frontPid),
    processes: trees.reduce((sum, { pids }) => sum + pids.length, 0) + 1,
    gpuBusyShare: await gpuBusyShare(),
  };
  return { beganAt, endedAt, result };
}

function recoveryMs(after: readonly Answer[], killedAt: number): number | undefined {
  const failed = after.filter(({ ok }) => !ok);
  if (failed.length === 0) return 0;
  const lastFailureAt = Math.max(...failed.map(({ doneAt }) => doneAt)) - killedAt;
  return lastFailureAt < WATCH_AFTER_KILL_MS - CALM_MS ? lastFailureAt : undefined;
}

function ticksOf(roots: readonly number[]): number {
  return roots.reduce((sum, root) => sum + (readTree(root)?.cpuTicks ?? 0), 0);
}

function residentBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

function readCpu() {
  return parseCpuTime(readFileSync('/proc/stat', 'latin1'));
}

export async function busyCores(ms: number): Promise<number> {
  const before = readCpu();
  await pause(ms);
  const after = readCpu();
  return ((after.busy - before.busy) / (after.total - before.total)) * CORES;
}

const gpu = new GpuSampler({ clock: systemClock, run: runningHere(systemClock), intervalMs: 2_000, timeoutMs: 5_000 });

async function gpuBusyShare(): Promise<number | undefined> {
  const reading = await gpu.ask();
  return reading.state === 'seen' ? reading.devices[0]?.busyShare : undefined;
}

export const CORES = cpus().length;
