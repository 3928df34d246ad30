// Whether there is room for another worker: what one is expected to need at its peak, against what is free and what the
// operator allows. Pure: facts in, a number and a reason out. What is not known stands against nothing.

/** Memory of one kind, of the whole machine or device and of our own workers. */
export interface MemoryFacts {
  /** At the peak of one worker; undefined before anything is configured or learnt. */
  readonly expectedBytes: number | undefined;
  /** Undefined where nobody tells. */
  readonly freeBytes: number | undefined;
  /** Most that all our workers together may use; undefined for no limit. */
  readonly allowedBytes: number | undefined;
  readonly usedBytes: number;
  /** What each worker that is still starting has already; it is going to grow to the expected peak. */
  readonly startingBytes: readonly number[];
}

export interface AdmissionFacts {
  readonly ram: MemoryFacts;
  readonly gpu: MemoryFacts;
  /** Workers that start now and are not ready yet. */
  readonly starting: number;
  /** Processes that were stopped and are not gone yet: their memory is about to be free. */
  readonly leaving: readonly number[];
}

export interface Admission {
  /** How many more workers may be started now. */
  readonly starts: number;
  /** Why it is not more, with the numbers; undefined when nothing limits it. */
  readonly reason?: string;
  /** It will pass by itself: another worker loads, or one is just leaving. */
  readonly passing: boolean;
}

/** From this peak on a start loads a model: two at once would double the peak and halve the speed. */
const MODEL_BYTES = 1024 ** 3;

export function judgeAdmission(facts: AdmissionFacts): Admission {
  const { ram, gpu, starting, leaving } = facts;
  if (leaving.length > 0 && (knows(ram) || knows(gpu))) {
    return held(`the memory of process ${leaving.join(', ')} is not free yet`, true);
  }
  const loadsModel = (ram.expectedBytes ?? 0) >= MODEL_BYTES || (gpu.expectedBytes ?? 0) > 0;
  if (loadsModel && starting > 0) return held('another worker is loading its model', true);
  const rooms = [roomFor('RAM', ram), roomFor('GPU memory', gpu)].sort((a, b) => a.starts - b.starts);
  const tightest = rooms[0]!;
  return { starts: loadsModel ? Math.min(1, tightest.starts) : tightest.starts, passing: false, ...because(tightest) };
}

function held(reason: string, passing: boolean): Admission {
  return { starts: 0, reason, passing };
}

interface Room {
  readonly starts: number;
  readonly reason?: string;
}

function roomFor(what: string, memory: MemoryFacts): Room {
  const { expectedBytes } = memory;
  if (!knows(memory) || expectedBytes === undefined) return { starts: Infinity };
  const allowedBytes = memory.allowedBytes === undefined ? Infinity : memory.allowedBytes - memory.usedBytes;
  const promisedBytes = memory.startingBytes.reduce((sum, bytes) => sum + Math.max(0, expectedBytes - bytes), 0);
  const freeBytes = memory.freeBytes ?? Infinity;
  const roomBytes = Math.min(allowedBytes, freeBytes) - promisedBytes;
  if (roomBytes === Infinity) return { starts: Infinity };
  const starts = Math.max(0, Math.floor(roomBytes / expectedBytes));
  if (starts > 0) return { starts };
  const limit = allowedBytes < freeBytes ? `left of the budget of ${mib(memory.allowedBytes!)}` : 'free';
  const promised = promisedBytes === 0 ? '' : `, ${mib(promisedBytes)} of it promised to workers that start`;
  const needs = `a worker needs ${mib(expectedBytes)} of ${what} at its peak`;
  return {
    starts,
    reason: `${needs}, but ${mib(Math.max(0, Math.min(allowedBytes, freeBytes)))} is ${limit}${promised}`,
  };
}

function knows({ expectedBytes }: MemoryFacts): boolean {
  return expectedBytes !== undefined && expectedBytes > 0;
}

function because({ starts, reason }: Room): { reason?: string } {
  return starts === 0 && reason !== undefined ? { reason } : {};
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
