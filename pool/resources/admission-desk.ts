// Gathers the facts for admission at the moment of a decision, learns what workers need, and remembers since when starts
// have been held. Free RAM is read on the spot; the rest is from the last sample, and where a worker of ours has settled or
// ended since, a new one is asked for first: room that was there before is no room. Judging is admission.ts's.
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../src/core/clock.js';
import type { ResourceReading, TreeReading } from '../../src/core/resource-reading.js';
import { judgeAdmission, type Admission, type MemoryFacts } from './admission.js';
import { LearntPeaks } from './learnt-peaks.js';
import { total } from './total.js';

export interface AdmissionOptions {
  /** What one worker needs at its peak; learnt when it is not given. */
  readonly expected: MemoryAmounts;
  /** What all workers together may use; no limit when it is not given. */
  readonly allowed: MemoryAmounts;
  /** Where what is learnt is kept. */
  readonly stateDir: string;
  readonly command: readonly string[];
}

export interface MemoryAmounts {
  readonly ramBytes?: number;
  readonly gpuBytes?: number;
}

export interface AdmissionDeps {
  readonly clock: Clock;
  /** The last sample; undefined before the first one, or when nothing is sampled. */
  latest(): ResourceReading | undefined;
  /** RAM that new processes can have, right now. */
  availableBytes(): number | undefined;
  /** Looks at everything anew, the GPU included. Resolves once `latest` is a sample that began after the call. */
  refresh(): Promise<void>;
  /** A sample that was asked for is there. */
  onRefreshed(): void;
  /** Whether any process of the group is left. */
  isGroupAlive(pid: number): boolean;
  /** Whether what a worker has now tells what another one will need. */
  teaches(id: string): boolean;
  /** There is no room; told once until there is. */
  onHeld(reason: string): void;
}

const UNLIMITED: Admission = { starts: Infinity, passing: false };
const LOOKED_AT: Admission = { starts: 0, reason: 'memory is being looked at', passing: true };
/** Memory that is about to be freed is free by then. */
const PATIENCE_MS = 10_000;
/** What is not gone so long after its end hangs in a driver, or its number is another's by now: nobody waits for it any more. */
const LEAVING_MS = 60_000;
/** While the driver still lists a process that is gone, it is asked again after so long. */
const LOOK_AGAIN_MS = 1_000;

export interface StartingWorker {
  readonly id: string;
}

export class AdmissionDesk {
  #options: AdmissionOptions;
  readonly #deps: AdmissionDeps;
  #learnt: LearntPeaks;
  /** Ended processes whose memory was not seen to be free yet, with the times of their ends. */
  readonly #leaving = new Map<number, number>();
  /** How often workers of ours have settled or ended, and how many of these times the last sample has seen. */
  #changes = 0;
  #changesSeen = 0;
  #refreshing = false;
  #refreshedAtMs = -Infinity;
  #admission: Admission = UNLIMITED;
  #heldSinceMs: number | undefined;
  #holding = false;

  constructor(options: AdmissionOptions, deps: AdmissionDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#learnt = openLearntPeaks(options);
  }

  applyOptions(options: AdmissionOptions): void {
    const sameCommand = isDeepStrictEqual(options.command, this.#options.command);
    this.#options = options;
    if (!sameCommand) this.#learnt = openLearntPeaks(options);
  }

  noteEnded(pid: number): void {
    this.#leaving.set(pid, this.#deps.clock.now());
    this.#changes++;
  }

  /** A worker has loaded, fallen asleep or woken: what it has now no earlier sample tells. */
  noteSettled(): void {
    this.#changes++;
  }

  /** The kernel keeps the peak of each process, so a look at any time tells it. */
  noteSample({ workers }: ResourceReading): void {
    for (const { id, pid, peakResidentBytes, gpuMemoryBytes } of workers) {
      if (!this.#deps.teaches(id)) continue;
      this.#learnt.note(pid, { ramBytes: peakResidentBytes, gpuBytes: gpuMemoryBytes ?? 0 });
    }
  }

  /** @param paused why no worker is to be started now, whatever room there is. */
  judge(starting: readonly StartingWorker[], paused?: string): Admission {
    if (paused !== undefined) return (this.#admission = { starts: 0, reason: paused, passing: false });
    const reading = this.#deps.latest();
    this.#forgetGone(reading);
    const ram = this.#ramFacts(reading?.workers ?? [], starting);
    const gpu = this.#gpuFacts(reading, starting);
    if (reading !== undefined && this.#changes > this.#changesSeen && isJudgedBySample(ram, gpu)) {
      this.#refresh();
      return (this.#admission = LOOKED_AT);
    }
    this.#admission = judgeAdmission({ ram, gpu, starting: starting.length, leaving: [...this.#leaving.keys()] });
    return this.#admission;
  }

  /** To be told after each plan, with whether it wanted to start a worker and could not. */
  noteHeld(held: boolean): void {
    const reason = held ? this.#admission.reason : undefined;
    if (reason === undefined || this.#admission.passing) {
      this.#heldSinceMs = undefined;
    } else if (this.#heldSinceMs === undefined) {
      this.#heldSinceMs = this.#deps.clock.now();
      this.#deps.onHeld(reason);
    }
    this.#holding = held;
  }

  /** Starts are held now, for whatever reason: a fresh reading may let them go. */
  get holding(): boolean {
    return this.#holding;
  }

  /** Starts are held, and a process whose memory should be free soon is one reason. */
  get holdsForLeaving(): boolean {
    return this.#holding && this.#leaving.size > 0;
  }

  /** The numbers, once there has been no room for longer than a switch is willing to wait. */
  get refusal(): string | undefined {
    if (this.#heldSinceMs === undefined) return undefined;
    const heldMs = this.#deps.clock.now() - this.#heldSinceMs;
    return heldMs >= PATIENCE_MS ? this.#admission.reason : undefined;
  }

  #ramFacts(usage: readonly TreeReading[], starting: readonly StartingWorker[]): MemoryFacts {
    const { expected, allowed } = this.#options;
    return {
      expectedBytes: expected.ramBytes ?? this.#learnt.peak?.ramBytes,
      freeBytes: this.#deps.availableBytes(),
      allowedBytes: allowed.ramBytes,
      usedBytes: total(usage, ({ residentBytes }) => residentBytes),
      startingBytes: starting.map(({ id }) => usage.find((tree) => tree.id === id)?.residentBytes ?? 0),
    };
  }

  #gpuFacts(reading: ResourceReading | undefined, starting: readonly StartingWorker[]): MemoryFacts {
    const { expected, allowed } = this.#options;
    const usage = reading?.workers ?? [];
    return {
      expectedBytes: expected.gpuBytes ?? this.#learnt.peak?.gpuBytes,
      freeBytes: freeGpuBytes(reading),
      allowedBytes: allowed.gpuBytes,
      usedBytes: total(usage, ({ gpuMemoryBytes }) => gpuMemoryBytes ?? 0),
      startingBytes: starting.map(({ id }) => usage.find((tree) => tree.id === id)?.gpuMemoryBytes ?? 0),
    };
  }

  /** Gone from the process table, and from the GPU as far as its last reading tells; or long enough ago. */
  #forgetGone(reading: ResourceReading | undefined): void {
    const devices = reading?.gpu.state === 'seen' ? reading.gpu.devices : [];
    const onGpu = new Set(devices.flatMap(({ processes }) => processes.map(({ pid }) => pid)));
    const nowMs = this.#deps.clock.now();
    for (const [pid, endedAtMs] of this.#leaving) {
      const isOver = nowMs - endedAtMs >= LEAVING_MS;
      if (!isOver && this.#deps.isGroupAlive(pid)) continue;
      if (isOver || !onGpu.has(pid)) this.#leaving.delete(pid);
      else if (nowMs - this.#refreshedAtMs >= LOOK_AGAIN_MS) this.#refresh();
    }
  }

  #refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const changes = this.#changes;
    void this.#deps.refresh().then(() => {
      this.#refreshing = false;
      this.#refreshedAtMs = this.#deps.clock.now();
      this.#changesSeen = changes;
      this.#deps.onRefreshed();
    });
  }
}

/** Free RAM is read on the spot; what the GPU has left, and what our workers use together, only a sample tells. */
function isJudgedBySample(ram: MemoryFacts, gpu: MemoryFacts): boolean {
  const isGpuLimited = gpu.freeBytes !== undefined || gpu.allowedBytes !== undefined;
  return (needs(gpu) && isGpuLimited) || (needs(ram) && ram.allowedBytes !== undefined);
}

function needs({ expectedBytes = 0 }: MemoryFacts): boolean {
  return expectedBytes > 0;
}

function openLearntPeaks({ stateDir, command }: AdmissionOptions): LearntPeaks {
  return new LearntPeaks(join(stateDir, 'learnt-peaks.json'), command);
}

/** Of the fullest device: nobody knows on which one the next worker will be. */
function freeGpuBytes(reading: ResourceReading | undefined): number | undefined {
  if (reading?.gpu.state !== 'seen') return undefined;
  const free = reading.gpu.devices.flatMap(({ memoryTotalBytes, memoryUsedBytes }) =>
    memoryTotalBytes === undefined || memoryUsedBytes === undefined ? [] : [memoryTotalBytes - memoryUsedBytes],
  );
  return free.length === 0 ? undefined : Math.min(...free);
}
