// A stream to a terminal, for a process that serves. Node writes to a terminal until it has taken everything, and whoever stops
// that one (Ctrl-S, a link that stalls) would stop the process with it.

interface TerminalStream {
  readonly isTTY?: boolean;
}

/** From here on what the terminal does not take waits in the stream. Below Node's public face; elsewhere nothing changes. */
export function unblock<T extends TerminalStream>(stream: T): T {
  const { _handle: handle } = stream as { readonly _handle?: { setBlocking?: (blocks: boolean) => void } };
  if (stream.isTTY === true) handle?.setBlocking?.(false);
  return stream;
}
