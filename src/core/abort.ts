// Waits that somebody may give up, and cut short.

/** As `done`; rejects with the signal's reason when that aborts first, or has aborted. What is waited for goes on. */
export function unlessAborted<T>(done: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal?.reason as Error);
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    done
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', onAbort))
      .catch(() => undefined);
  });
}

/** The controller aborts when the signal does, or now if it has. */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) controller.abort();
  signal?.addEventListener('abort', () => controller.abort(), { once: true });
}
