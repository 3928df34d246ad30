// A machine without processes: launches, signals, probes and exits happen in memory, when a test lets them. Keeps the
// real contract: an exit is told once and later, a stopped process answers nothing, a port has one holder.
import type { Clock } from '../../src/core/clock.js';
import type { Priority } from '../../src/core/priority.js';
import type { UpstreamAddress } from '../../src/core/traffic-port.js';
import { nothingAnnounced, type Announcement } from '../../pool/announcement.js';
import type { RunResult } from '../../pool/resources/run-with-deadline.js';
import type { Hook, HookTarget } from '../../pool/sleep-hooks.js';
import { ExitNews } from '../../pool/exit-news.js';
import type {
  ExitReport,
  LaunchSpec,
  ProbeOptions,
  ProcessIdentity,
  ProbeResult,
  PushedOut,
  Vitals,
  WorkerProcess,
  WorkerRuntime,
} from '../../pool/worker-runtime.js';

export class FakeProcess implements WorkerProcess {
  readonly pid: number;
  readonly spec: LaunchSpec;
  readonly port: number;
  alive = true;
  stopped = false;
  /** Its application is loaded. */
  ready = false;
  /** It accepts and does not answer. */
  silent = false;
  /** It does not end when it is asked to. */
  deaf = false;
  /** It hangs in a driver: nobody can end it. */
  undying = false;
  /** It burns CPU. */
  busy = false;
  /** CPU that it burnt otherwise, in ticks of 10 ms. */
  burntTicks = 0;
  announced: Announcement = nothingAnnounced;
  /** It runs as another user: we may not signal it. */
  foreign = false;
  readonly #exit = new ExitNews();

  constructor(pid: number, spec: LaunchSpec) {
    this.pid = pid;
    this.spec = spec;
    this.port = Number(spec.env.UNDERSTUDY_PORT);
  }

  onExit(listener: (report: ExitReport) => void): void {
    this.#exit.subscribe(listener);
  }

  signalGroup(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
    if (!this.alive) return false;
    if (this.foreign) throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    if (signal === 'SIGSTOP') this.stopped = true;
    else if (signal === 'SIGCONT') this.stopped = false;
    // An exit is never told within the call that caused it.
    else if (!(signal === 'SIGKILL' ? this.undying : this.deaf || this.undying)) {
      queueMicrotask(() => this.exit({ code: undefined, signal }));
    }
    return true;
  }

  release(): void {}

  lastOutput(): string {
    return 'last words';
  }

  exit(report: ExitReport): void {
    if (!this.alive) return;
    this.alive = false;
    this.#exit.publish(report);
  }
}

export class FakeWorkerRuntime implements WorkerRuntime {
  readonly processes: FakeProcess[] = [];
  readonly priorities: { readonly pid: number | undefined; readonly priority: Priority }[] = [];
  /** Set by a test: what comes of pushing memory out. */
  onPushOut: (process: WorkerProcess, isWanted: () => boolean) => Promise<PushedOut> = () =>
    Promise.resolve({ refused: 'there is no swap' });
  /** Why no process has a weight; undefined where they may. */
  weightless: string | undefined;
  /** What is said to each priority. */
  refusals: readonly string[] = [];
  /** The hooks that were asked for, in order, as `pid what`. */
  readonly hooks: string[] = [];
  /** Set by a test: answers a hook; undefined means that it is done. */
  onHook: (hook: Hook, target: HookTarget) => Promise<string | undefined> = () => Promise.resolve(undefined);
  /** What we lack ourselves, as an error's code: no worker can be probed then. */
  shortage: string | undefined;
  /** New processes are ready at once. */
  readyAtOnce = true;
  /** New processes end right after their launch. */
  crashAtStart = false;
  /** Set by a test: called with each new process, the others already counted. */
  onLaunch: (process: FakeProcess) => void = () => undefined;
  readonly #clock: Clock;
  #nextPid = 100;
  #nextPort = 20_000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get living(): FakeProcess[] {
    return this.processes.filter((process) => process.alive);
  }

  /** The living process behind a worker. */
  of(id: string): FakeProcess | undefined {
    return this.living.find((process) => process.spec.id === id);
  }

  open(): void {}

  close(): void {}

  launch(spec: LaunchSpec): Promise<FakeProcess> {
    const process = new FakeProcess(this.#nextPid++, spec);
    process.ready = this.readyAtOnce;
    this.processes.push(process);
    this.onLaunch(process);
    if (this.crashAtStart) queueMicrotask(() => process.exit({ code: 1, signal: undefined }));
    return Promise.resolve(process);
  }

  adopt({ pid }: ProcessIdentity): WorkerProcess {
    const process = this.living.find((living) => living.pid === pid);
    if (process === undefined) throw new Error(`there is no process ${pid}`);
    return process;
  }

  remainsGone(): Promise<void> {
    return Promise.resolve();
  }

  findPort(): Promise<number> {
    return Promise.resolve(this.#nextPort++);
  }

  portHolder(_host: string, port: number): Promise<string | undefined> {
    const holder = this.living.find((process) => process.port === port);
    return Promise.resolve(holder === undefined ? undefined : `process ${holder.pid}`);
  }

  probe(address: UpstreamAddress, options: ProbeOptions): Promise<ProbeResult> {
    if (this.shortage !== undefined) return Promise.resolve({ kind: 'unknown', reason: this.shortage });
    if (address.kind === 'unix') return Promise.resolve({ kind: 'refused' });
    const process = this.living.find(({ port }) => port === address.port);
    if (process?.ready !== true) return Promise.resolve({ kind: 'refused' });
    const { announced } = process;
    if (!process.stopped && !process.silent) return Promise.resolve({ kind: 'passed', status: 200, announced });
    return new Promise((resolve) => {
      const answer = () => {
        timer.cancel();
        resolve({ kind: 'timeout' });
      };
      const timer = this.#clock.startTimer(options.timeoutMs, answer);
      options.signal.addEventListener('abort', answer, { once: true });
    });
  }

  vitals(process: WorkerProcess): Vitals | undefined {
    const found = this.living.find(({ pid }) => pid === process.pid);
    if (found === undefined) return undefined;
    // A tick is 10 ms: it burns a whole core.
    const cpuTicks = found.busy ? Math.floor(this.#clock.now() / 10) : Math.floor(found.burntTicks);
    return { cpuTicks, residentBytes: 0, stopped: found.stopped, runnable: false };
  }

  run(): Promise<RunResult> {
    return Promise.resolve({ kind: 'not-found' });
  }

  runHook(hook: Hook, target: HookTarget): Promise<string | undefined> {
    this.hooks.push(`${target.pid} ${'command' in hook ? hook.command[0] : hook.path}`);
    return this.onHook(hook, target);
  }

  pushOut(process: WorkerProcess, isWanted: () => boolean): Promise<PushedOut> {
    return this.onPushOut(process, isWanted);
  }

  whyWeightless(): string | undefined {
    return this.weightless;
  }

  prioritise(process: WorkerProcess, priority: Priority): Promise<readonly string[]> {
    this.priorities.push({ pid: process.pid, priority });
    return Promise.resolve(this.refusals);
  }

  isStopped(process: WorkerProcess): boolean {
    return this.vitals(process)?.stopped === true;
  }
}
