// Waits until nothing is in flight on an upstream that has left traffic, and ends what takes too long: requests and
// streams each have a time of their own. Restarts, switches of mode and stops all drain by this.
import type { Clock } from '../src/core/clock.js';
import type { TrafficPort, UpstreamIdentity } from '../src/core/traffic-port.js';
import type { StopOptions } from './options.js';

export interface DrainOutOptions {
  readonly traffic: TrafficPort;
  readonly clock: Clock;
  readonly stop: Pick<StopOptions, 'drainTimeoutMs' | 'streamDrainTimeoutMs'>;
  /** The drain is over, whatever is still in flight: nothing is ended. */
  readonly cut: AbortSignal;
  /** Everything is ended now. */
  readonly hurry: AbortSignal;
}

const REASON = 'drain-timeout';

/** Resolves with how many had to be ended, once it is idle or the drain was cut. Never rejects. */
export async function drainOut(upstream: UpstreamIdentity, options: DrainOutOptions): Promise<number> {
  const { traffic, clock, cut, hurry } = options;
  const { drainTimeoutMs, streamDrainTimeoutMs } = options.stop;
  const kind = drainTimeoutMs < streamDrainTimeoutMs ? 'requests' : 'streams';
  const overdue = new AbortController();
  let ended = 0;
  const endFirst = () => (ended += traffic.abortInflight(upstream, { reason: REASON, kind }));
  const timers = [
    clock.startTimer(Math.min(drainTimeoutMs, streamDrainTimeoutMs), endFirst),
    // Streams too: one may have begun only after the time for streams was over.
    clock.startTimer(Math.max(drainTimeoutMs, streamDrainTimeoutMs), () => overdue.abort()),
  ];
  const idle = await traffic.waitIdle(upstream, AbortSignal.any([overdue.signal, cut, hurry])).then(
    () => true,
    () => false,
  );
  for (const timer of timers) timer.cancel();
  if (!idle && !cut.aborted) ended += traffic.abortInflight(upstream, { reason: REASON });
  return ended;
}
