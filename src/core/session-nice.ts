// The nice of a whole session. Where the kernel groups by session (sched(7), autogroup; the default of desktop kernels),
// a thread's nice counts only within its session, and the group's own nice is what counts between them.
import { readFileSync, writeFileSync } from 'node:fs';
import { waitFor, type Clock } from './clock.js';
import { errorCode } from './errors.js';

const RETRY_MS = 150;
const MAX_ATTEMPTS = 50;

export interface SessionNice {
  /** The same for all processes of a session. */
  readonly group: string;
  readonly nice: number;
}

/** Undefined where the kernel does not group by session, or the process is gone. */
export function readSessionNice(pid: number): SessionNice | undefined {
  try {
    if (readFileSync('/proc/sys/kernel/sched_autogroup_enabled', 'latin1').trim() !== '1') return undefined;
    return parseAutogroup(readFileSync(`/proc/${pid}/autogroup`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** `/autogroup-123 nice 0` */
function parseAutogroup(text: string): SessionNice | undefined {
  const [, group, nice] = /^(\S+) nice (-?\d+)\s*$/.exec(text) ?? [];
  return group === undefined ? undefined : { group, nice: Number(nice) };
}

/** Resolves with the code of what went wrong; undefined when it is done. Never rejects. */
export async function setSessionNice(pid: number, nice: number, clock: Clock): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const code = tryDo(() => writeFileSync(`/proc/${pid}/autogroup`, String(nice)));
    // The kernel takes one such order at a time, a tenth of a second apart, from anybody but root.
    if (code !== 'EAGAIN' || attempt === MAX_ATTEMPTS) return code;
    await waitFor(clock, RETRY_MS);
  }
}

/** The code of what went wrong. */
export function tryDo(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    // Node wraps the code of a failed setPriority.
    const info = (error as { info?: unknown }).info;
    return errorCode(info) ?? errorCode(error) ?? 'unknown';
  }
}
