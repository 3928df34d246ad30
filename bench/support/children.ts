// The processes a bench starts: each in a group of its own, none outlives the bench, whatever ends it. Owns the temporary
// folders for the same reason.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STOP_GRACE_MS = 3_000;
const SUPERVISOR_STOP_GRACE_MS = 45_000;
const READY_TIMEOUT_MS = 15_000;
const groups = new Map<number, NodeJS.Signals>();
const folders = new Set<string>();

process.once('exit', () => {
  for (const [pid, signal] of groups) signalGroup(pid, signal);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
// Without a listener these signals end the process before its 'exit' event.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

export interface ChildOptions {
  /** Runs it on these CPUs only, as for `taskset -c`. */
  readonly pinTo?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its standard input is a pipe of ours, `child.stdin`. */
  readonly takesInput?: boolean;
  /** It has process groups of its own to end: it is asked to, never killed while it may still do so. */
  readonly supervises?: boolean;
}

/** A started process and what it printed so far. */
export class BenchChild {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly #graceMs: number;
  #output = '';

  constructor(command: readonly string[], options: ChildOptions = {}) {
    const [program, ...args] = options.pinTo === undefined ? command : ['taskset', '-c', options.pinTo, ...command];
    this.child = spawn(program!, args, {
      stdio: [options.takesInput === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    if (this.child.pid === undefined) throw new Error(`cannot start ${program}`);
    this.pid = this.child.pid;
    this.#graceMs = options.supervises === true ? SUPERVISOR_STOP_GRACE_MS : STOP_GRACE_MS;
    groups.set(this.pid, options.supervises === true ? 'SIGTERM' : 'SIGKILL');
    this.child.stdout!.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    this.child.once('close', () => groups.delete(this.pid));
  }

  get output(): string {
    return this.#output;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Takes no CPU until it is thawed. */
  freeze(): void {
    signalGroup(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    signalGroup(this.pid, 'SIGCONT');
  }

  /** Asks it to end, waits, and ends its whole group the hard way after a grace. */
  async stop(): Promise<void> {
    if (this.ended) return;
    this.thaw();
    const closed = once(this.child, 'close');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => signalGroup(this.pid, 'SIGKILL'), this.#graceMs);
    await closed;
    clearTimeout(timer);
  }
}

/** Waits until the child has printed this; the child ending first is an error with its output. */
export function waitPrinted(child: BenchChild, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = () => child.output.includes(text) && resolve();
    child.child.stdout!.on('data', check);
    child.child.stderr!.on('data', check);
    child.child.once('close', () => reject(new Error(`ended before it said '${text}': ${child.output.trim()}`)));
    check();
  });
}

/** Waits until something accepts connections on the port; the child ending first is an error with its output. */
export async function waitListening(child: BenchChild, port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.ended) throw new Error(`ended before it listened on ${port}: ${child.output.trim()}`);
    if (performance.now() > deadline) throw new Error(`does not listen on ${port}: ${child.output.trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A folder that is gone when the bench is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-bench-'));
  folders.add(folder);
  return folder;
}

/** Whether a program can be found and run. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** Moves this process to the CPUs; what it starts from then on inherits them. */
export function pinSelf(cpus: string): void {
  spawnSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)]);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
