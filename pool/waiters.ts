// Promises that wait for a condition on the pool. The manager asks them all after each of its turns; a waiter leaves
// the moment it is settled or its signal aborts.

export type Progress =
  { readonly kind: 'waiting' } | { readonly kind: 'done' } | { readonly kind: 'failed'; readonly error: Error };

export const waiting: Progress = { kind: 'waiting' };
export const done: Progress = { kind: 'done' };

interface Waiter {
  check(): Progress;
  settle(progress: Progress): void;
}

export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when `check` says done; rejects with its error, or with the signal's reason. */
  waitUntil(check: () => Progress, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const now = check();
      if (now.kind === 'done') return resolve();
      if (now.kind === 'failed') return reject(now.error);
      const onAbort = () => waiter.settle({ kind: 'failed', error: signal?.reason as Error });
      const waiter: Waiter = {
        check,
        settle: (progress) => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener('abort', onAbort);
          if (progress.kind === 'failed') reject(progress.error);
          else resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  checkAll(): void {
    for (const waiter of [...this.#waiters]) {
      const progress = waiter.check();
      if (progress.kind !== 'waiting') waiter.settle(progress);
    }
  }

  /** Nothing that they wait for will come any more. */
  failAll(error: Error): void {
    for (const waiter of [...this.#waiters]) waiter.settle({ kind: 'failed', error });
  }
}
