// Whether a process computed between two looks at it. The one rule for all who must tell work from silence: a live event
// loop that merely accepts connections and requests, and answers none of them, burns CPU too.

/** What is seen of a process, and of the traffic that costs it CPU, at one moment. */
export interface Look {
  readonly atMs: number;
  readonly cpuTicks: number;
  /** It could have computed, had the machine let it. */
  readonly runnable: boolean;
  /** Given to it so far. */
  readonly requests: number;
}

/** Being probed costs a tick or two. A tick is 10 ms. */
export const PROBE_TICKS = 2;
/** Below this share of one core a process counts as idle: probes and timers alone keep it from zero. */
const IDLE_SHARE = 0.01;
const TICKS_PER_MS = 0.1;
/** A Python server takes up to 2 ms to read a request and to hand it on. */
const TICKS_PER_REQUEST = 0.2;
/** Whoever burns more than that computes, however many requests come in meanwhile: the kernel takes those. */
const MOST_ON_REQUESTS = 0.5;

/** Runnable at both means that an overloaded machine keeps it from computing; at one it may be a probe's doing. */
export function hasComputed(before: Look, now: Look): boolean {
  return now.cpuTicks - before.cpuTicks > idleTicks(before, now) || (before.runnable && now.runnable);
}

function idleTicks(before: Look, now: Look): number {
  const passedTicks = (now.atMs - before.atMs) * TICKS_PER_MS;
  // An upstream that left traffic and came back counts anew.
  const requests = Math.max(0, now.requests - before.requests);
  const onRequests = Math.min(requests * TICKS_PER_REQUEST, passedTicks * MOST_ON_REQUESTS);
  return PROBE_TICKS + passedTicks * IDLE_SHARE + onRequests;
}
