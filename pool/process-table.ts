// Reads /proc: who a process is (pid + start time), who holds a port. Only reads. Where there is no /proc it knows
// nothing, and says undefined rather than guess.
import { readdirSync, readlinkSync } from 'node:fs';
import { errorCode } from '../src/core/errors.js';
import { hasEnded, parseStat, stateIndex, type ProcessFacts } from '../src/core/process-stat.js';
import { readProcFile, tryReadProcFile } from './proc-file.js';

/** The process itself, or undefined when it is gone. */
export function readProcess(pid: number): ProcessFacts | undefined {
  const stat = tryReadProcFile(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : parseStat(stat);
}

/** For who acts on a process's absence: a look that fails for want of descriptors, say, tells nothing. */
export function lookForProcess(pid: number): ProcessFacts | 'gone' | 'unknown' {
  try {
    return parseStat(readProcFile(`/proc/${pid}/stat`)) ?? 'unknown';
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : 'unknown';
  }
}

/** Whether any process has this pid, ended or not. Needs no descriptor, and so tells what /proc can't tell now. */
export function isPidTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

/** Another one after each boot of the machine. */
export function readBootId(): string | undefined {
  return tryReadProcFile('/proc/sys/kernel/random/boot_id')?.trim();
}

/** Every living process of a group. Looks at each process of the machine. */
export function membersOf(group: number): ProcessFacts[] {
  return listProcesses().filter((facts) => facts.group === group && !hasEnded(facts));
}

/**
 * Whether any process of a group is left that holds memory. One that has ended and was not collected yet (orphans are init's,
 * and init may take its time) still takes signals, so signals alone don't tell.
 */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    // Or it is another user's: that one's end is not ours to bring about, nor to wait for.
    return false;
  }
  return membersOf(group).length > 0;
}

export function listProcesses(): ProcessFacts[] {
  return listPids().flatMap((pid) => readProcess(pid) ?? []);
}

/** Stopped by a signal; being traced is another state. */
export function isStopped(pid: number): boolean {
  const stat = tryReadProcFile(`/proc/${pid}/stat`);
  // Asked several times a second for each worker: only the one letter is looked at.
  return stat !== undefined && stat[stateIndex(stat)] === 'T';
}

/** Its command line, arguments joined by spaces. */
export function commandOf(pid: number): string | undefined {
  return tryReadProcFile(`/proc/${pid}/cmdline`)?.split('\0').join(' ').trim();
}

/** One of its variables, when we may read them: the same user, or root. */
export function environmentOf(pid: number): ReadonlyMap<string, string> | undefined {
  const raw = tryReadProcFile(`/proc/${pid}/environ`);
  if (raw === undefined) return undefined;
  const entries = raw.split('\0').filter((entry) => entry.includes('='));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}

/** The process, of all or of some, that listens on a TCP port, as far as we may look. */
export function listenerOf(port: number, among?: readonly number[]): number | undefined {
  const inodes = new Set(
    ['tcp', 'tcp6'].flatMap((table) => listeningInodes(tryReadProcFile(`/proc/net/${table}`) ?? '', port)),
  );
  if (inodes.size === 0) return undefined;
  return (among ?? listPids()).find((pid) => socketInodes(pid).some((inode) => inodes.has(inode)));
}

/** Rows of /proc/net/tcp (proc_net_tcp(5)): slot, local address:port, remote, state (0A listens), ..., inode. */
function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = table.split('\n').map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[1]?.endsWith(suffix) === true && row[3] === '0A').flatMap((row) => row[9] ?? []);
}

function socketInodes(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return tryList(folder).flatMap((name) => {
    const target = tryReadLink(`${folder}/${name}`);
    return target?.startsWith('socket:[') === true ? [target.slice('socket:['.length, -1)] : [];
  });
}

function listPids(): number[] {
  return tryList('/proc').map(Number).filter(Number.isInteger);
}

function tryList(path: string): string[] {
  return tryDo(() => readdirSync(path)) ?? [];
}

function tryReadLink(path: string): string | undefined {
  return tryDo(() => readlinkSync(path));
}

/** Processes come and go while we read, and some aren't ours to look at: both are no news, not errors. */
function tryDo<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
