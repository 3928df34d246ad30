// What ends a command early: the signals that people and terminals send, and a reader that has gone.

/** For as long as the command runs: a second signal, or the loss of the terminal, must not leave behind what it started. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => controller.abort());
  return controller.signal;
}

/** For a command that only shows something: without a reader there is nothing to go on for. */
export function watchSignal(): AbortSignal {
  const unread = new AbortController();
  process.stdout.once('error', () => unread.abort());
  return AbortSignal.any([interruptSignal(), unread.signal]);
}
