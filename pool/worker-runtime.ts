// The seam between supervision and the operating system: how a worker's process is launched, signalled and seen to
// go. launcher.ts is the real one, adopted-process.ts joins a process that an earlier Understudy started, and tests
// bring their own.
import type { Priority } from '../src/core/priority.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import type { Announcement } from './announcement.js';
import type { RunProgram } from './resources/run-with-deadline.js';
import type { Hook, HookTarget } from './sleep-hooks.js';

export interface LaunchSpec {
  readonly id: string;
  readonly backend: string;
  readonly worker: number;
  readonly generation: number;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A process that somebody started before us. */
export interface ProcessIdentity {
  readonly pid: number;
  /** With the pid it names one process for as long as the machine is up. Undefined where we lacked the means to read it. */
  readonly startTicks: number | undefined;
  readonly logFile: string;
}

export interface ExitReport {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Set when the program could not even be run: ENOENT, EACCES, ... */
  readonly spawnErrorCode?: string;
}

export interface WorkerProcess {
  /** Undefined when the program could not be run (the exit report says why), or when it is not ours. */
  readonly pid: number | undefined;
  /** Calls back once, in the turn in which the end is seen; at once if it has ended. */
  onExit(listener: (report: ExitReport) => void): void;
  /**
   * Signals the whole process group. False when no process of it is left.
   * @throws Error when we may not signal it (EPERM): it runs as another user. try-signal.ts is for who can't be thrown at.
   */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean;
  /** We leave and it stays: it no longer keeps our process from ending. */
  release(): void;
  /** The last lines that it wrote, for an error's message. */
  lastOutput(): string;
}

export interface WorkerRuntime {
  /** Gets ready to launch. */
  open(): void;
  /** Launches no more: what runs stays, what is being launched is ended. */
  close(): void;
  /** Never rejects for a program that can't be run: that is an exit report. */
  launch(spec: LaunchSpec): Promise<WorkerProcess>;
  /** For programs of a moment. */
  readonly run: RunProgram;
  /** Joins a process that lives already. */
  adopt(identity: ProcessIdentity): WorkerProcess;
  /** Resolves once nothing is left of the groups whose leaders have ended. Never rejects. */
  remainsGone(): Promise<void>;
  /** A port on which a further worker may listen. Never one it named before that is still `inUse`. */
  findPort(host: string, options: { readonly inUse: ReadonlySet<number> }): Promise<number>;
  /** Resolves with undefined when the port is free, else with who holds it, in words. */
  portHolder(host: string, port: number): Promise<string | undefined>;
  /** One look at a worker over the network. Never rejects. */
  probe(address: UpstreamAddress, options: ProbeOptions): Promise<ProbeResult>;
  /** Resolves with what went wrong, in words; undefined when it is done. Never rejects, and ends by its deadline. */
  runHook(hook: Hook, target: HookTarget): Promise<string | undefined>;
  /** One look at its process group; undefined when it is gone, or where the system does not tell. */
  vitals(process: WorkerProcess): Vitals | undefined;
  /** Whether its leader is stopped (state T): cheap enough to be asked several times a second. */
  isStopped(process: WorkerProcess): boolean;
  /** Why no process can be given a weight here, in words; undefined where that can be done. */
  whyWeightless(): string | undefined;
  /** Has its memory taken back to swap and disk, bit by bit for as long as it is wanted. Never rejects. */
  pushOut(process: WorkerProcess, isWanted: () => boolean): Promise<PushedOut>;
  /** Resolves with what was refused, in words. Never rejects. */
  prioritise(process: WorkerProcess, priority: Priority): Promise<readonly string[]>;
}

/** What it had, and what it has left; or why nothing was done. */
export type PushedOut = { readonly beforeBytes: number; readonly afterBytes: number } | { readonly refused: string };

export interface ProbeOptions {
  readonly path: string;
  readonly timeoutMs: number;
  readonly expectStatus?: number;
  readonly signal: AbortSignal;
}

export type ProbeResult =
  | { readonly kind: 'passed'; readonly status: number; readonly announced?: Announcement }
  | { readonly kind: 'bad-status'; readonly status: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'broken'; readonly reason: string }
  /** It could not be asked, for want of something on our own side: no word on the worker. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface Vitals {
  /** User and system time of all processes of the group, in clock ticks. */
  readonly cpuTicks: number;
  readonly residentBytes: number;
  /** The leader is stopped (state T): by our freeze, or by somebody else. */
  readonly stopped: boolean;
  /** One of the group computes, queues for a CPU on a busy machine, or waits for the disk. */
  readonly runnable: boolean;
}
