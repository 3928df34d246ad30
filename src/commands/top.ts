// `understudy top`: the pool as it goes along, drawn anew at each look until Ctrl-C. Down a pipe one text follows the other.

import type { AdminClient } from '../admin/admin-client.js';
import type { Look } from '../admin/rates.js';
import { waitFor, type Clock } from '../core/clock.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { renderTop } from './top-view.js';

export interface TopOptions {
  /** Between two looks. */
  readonly intervalMs: number;
  /** Ends after so many; undefined: not by itself. */
  readonly count: number | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** DEC private modes: the other screen, without a cursor; and back. */
const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l';
const LEAVE_SCREEN = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** @throws UnderstudyError `no-instance` when none runs, or none any more. */
export async function runTop(client: Pick<AdminClient, 'status'>, options: TopOptions, terminal: Terminal) {
  const { stdout } = terminal;
  // A text that is to stay can't be on the other screen.
  const drawn = stdout.isTTY === true && options.count === undefined;
  let before: Look | undefined;
  if (drawn) stdout.write(ENTER_SCREEN);
  try {
    // Whoever reads a pipe gets rates in the first text already.
    if (!drawn) before = await look(client, options);
    for (let shown = 0; shown < (options.count ?? Infinity); shown += 1) {
      if (shown > 0 || !drawn) await waitFor(options.clock, options.intervalMs, options.signal);
      const now = await look(client, options);
      const text = renderTop({ look: now, before, nowMs: options.clock.epochNow() });
      stdout.write(drawn ? frame(text, stdout) : `${shown > 0 ? '\n' : ''}${text}`);
      before = now;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    if (drawn) stdout.write(LEAVE_SCREEN);
  }
  return EXIT.done;
}

async function look(client: Pick<AdminClient, 'status'>, { signal, clock }: TopOptions): Promise<Look> {
  const status = await client.status(signal);
  return { status, atMs: clock.now() };
}

/** Over what was there before, without a flash; what does not fit is left out. Some terminals say that they are 0 by 0. */
function frame(text: string, { columns = 0, rows = 0 }: { columns?: number; rows?: number }): string {
  const lines = text.trimEnd().split('\n');
  const shown = lines.slice(0, rows || lines.length);
  return HOME + shown.map((line) => line.slice(0, columns || line.length) + CLEAR_LINE_END).join('\n') + CLEAR_BELOW;
}
