// Time as a parameter. Policy code receives a Clock; only this file touches the real one.

// Imported: the global of that name is a getter, which requests would pay for each time.
import { performance } from 'node:perf_hooks';

export interface Timer {
  /** Idempotent: a cancelled or fired timer stays silent. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds that never go backwards, from an arbitrary origin: for durations and deadlines. */
  now(): number;
  /** Milliseconds since the epoch: for people, logs and files. */
  epochNow(): number;
  /** Calls back once after at least `delayMs`. The timer keeps the process alive unless `unref` is set. */
  startTimer(delayMs: number, callback: () => void, options?: { unref?: boolean }): Timer;
}

/** Node makes one millisecond of all above it. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  epochNow: () => Date.now(),
  startTimer(delayMs, callback, options) {
    let leftMs = delayMs;
    let handle = startPart();
    function startPart(): NodeJS.Timeout {
      const partMs = Math.min(leftMs, LONGEST_TIMEOUT_MS);
      leftMs -= partMs;
      const started = setTimeout(leftMs > 0 ? () => (handle = startPart()) : callback, partMs);
      return options?.unref === true ? started.unref() : started;
    }
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves in the event loop's next turn: what waits in this one comes first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Resolves after `delayMs`; rejects with the signal's reason at once when it aborts (or has aborted).
 */
export function waitFor(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.startTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
