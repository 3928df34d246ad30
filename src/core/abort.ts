// Waits that somebody may give up.

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
