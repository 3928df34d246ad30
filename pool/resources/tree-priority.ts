// Gives a running process tree a priority, every thread of it: to the kernel nice and affinity belong to a thread, and
// a model server has dozens. Threads that come later inherit it from the one that starts them.
import { setPriority } from 'node:os';
import type { Clock } from '../../src/core/clock.js';
import { ioniceFlags, type Priority } from '../../src/core/priority.js';
import { setSessionNice, tryDo } from '../../src/core/session-nice.js';
import { threadsOf } from '../../src/core/threads.js';
import { tryReadProcFile } from '../proc-file.js';
import { readTreePids } from './process-tree.js';
import type { RunProgram } from './run-with-deadline.js';

const DEADLINE_MS = 5_000;
const MAX_TRIES = 5;

/** Resolves with what could not be done, in words. Never rejects; a process that is gone is no failure. */
export async function prioritiseTree(
  root: number,
  priority: Priority,
  { clock, run }: { readonly clock: Clock; readonly run: RunProgram },
): Promise<readonly string[]> {
  if (readTreePids(root).length === 0) return [];
  const { nice, io, cpus } = priority;
  const threads = () => readTreePids(root).flatMap(threadsOf);
  const failures = [
    nice === undefined ? undefined : await setNice(root, { threads: threads(), nice, clock }),
    cpus === undefined ? undefined : await setCpus(() => readTreePids(root), cpus, run),
    io === undefined ? undefined : await untilNoneIsGone(() => runIonice(run, io, threads())),
  ];
  return failures.filter((failure) => failure !== undefined);
}

function runTaskset(run: RunProgram, cpus: string, pid: number): Promise<ToolResult> {
  if (threadsOf(pid).length === 0) return Promise.resolve({ gone: false });
  return runTool(run, ['taskset', '-a', '-c', '-p', cpus, String(pid)]);
}

/** For nobody it would complain. */
function runIonice(run: RunProgram, io: NonNullable<Priority['io']>, threads: readonly number[]): Promise<ToolResult> {
  if (threads.length === 0) return Promise.resolve({ gone: false });
  return runTool(run, ['ionice', ...ioniceFlags(io), '-p', ...threads.map(String)]);
}

/** A tool ends at the first thread that has ended meanwhile, and leaves out those behind it. */
async function untilNoneIsGone(attempt: () => Promise<ToolResult>): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    const { gone, failure } = await attempt();
    if (!gone || tries === MAX_TRIES) return failure;
  }
}

interface NiceOrder {
  readonly threads: readonly number[];
  readonly nice: number;
  readonly clock: Clock;
}

async function setNice(root: number, { threads, nice, clock }: NiceOrder): Promise<string | undefined> {
  const codes = threads.map((thread) => tryDo(() => setPriority(thread, nice)));
  const sessionCode = await setSessionNice(root, nice, clock);
  const refused = [...codes, sessionCode].find((code) => code !== undefined && !GONE.has(code));
  return refused === undefined ? undefined : `nice ${nice}: ${explain(refused)}`;
}

async function setCpus(pids: () => readonly number[], cpus: string, run: RunProgram): Promise<string | undefined> {
  const set = (pid: number) => untilNoneIsGone(() => runTaskset(run, cpus, pid));
  return (await Promise.all(pids().map(set))).find((failure) => failure !== undefined);
}

interface ToolResult {
  /** One of those that it was asked for has ended. */
  readonly gone: boolean;
  readonly failure?: string;
}

async function runTool(run: RunProgram, command: readonly string[]): Promise<ToolResult> {
  const result = await run(command, DEADLINE_MS);
  const shown = command.slice(0, 4).join(' ');
  if (result.kind !== 'exited') return { gone: false, failure: `${shown}: ${result.kind}` };
  if (result.code === 0) return { gone: false };
  // In the words of the C library, whatever the language.
  if (/No such process|ESRCH/.test(result.stderr)) return { gone: true };
  return { gone: false, failure: `${shown}: ${result.stderr.trim().split('\n')[0] ?? ''}` };
}

/** It has ended meanwhile, or the kernel has no autogroups. */
const GONE: ReadonlySet<string> = new Set(['ESRCH', 'ENOENT']);

function explain(code: string): string {
  if (code !== 'EPERM' && code !== 'EACCES') return code;
  return 'this user may not raise a priority (RLIMIT_NICE, CAP_SYS_NICE)';
}

/** CPUs that we may run on ourselves, which is what a process of ours has unless told otherwise. */
export function ownCpus(): string | undefined {
  return /^Cpus_allowed_list:\s+(\S+)/m.exec(tryReadProcFile('/proc/self/status') ?? '')?.[1];
}
