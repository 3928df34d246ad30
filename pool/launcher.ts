// Launches workers through a small process of its own. To fork is to copy a memory map, and the larger the map, the longer
// the event loop stands still: ours for 10 to 40 ms, in the very moment in which a lost worker's requests are to be saved.
// The launcher's map is small, and no request waits for its event loop. For the same reason it runs other programs too.
// The workers are its children. If it is lost they live on, and are watched as adopted ones are; the next launch brings up
// another launcher.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../src/core/clock.js';
import { errorMessage } from '../src/core/errors.js';
import { adoptProcess, lives } from './adopted-process.js';
import { ExitNews } from './exit-news.js';
import type { LauncherNews, LauncherOrder } from './launch-messages.js';
import { lookForProcess } from './process-table.js';
import { childrenOf } from './resources/process-tree.js';
import type { RunResult } from './resources/run-with-deadline.js';
import { tailWorkerLog, touchWorkerLog } from './worker-log.js';
import { endRemains, signalGroup } from './worker-process.js';
import type { LaunchSpec, ProcessIdentity, WorkerProcess } from './worker-runtime.js';

const PROGRAM = fileURLToPath(new URL('./launcher-process.js', import.meta.url));
/** A launcher that says nothing for so long is lost: it may have been stopped. Far more than a busy machine needs. */
const LOOK_EVERY_MS = 5_000;
/** How long after a program's deadline the launcher may tell of its end; then it counts as overdue. */
const WORD_MS = 1_000;

interface Launch {
  readonly spec: LaunchSpec;
  readonly exit: ExitNews;
  readonly onAnswer: (pid: number | undefined) => void;
  readonly onRefused: (error: Error) => void;
  /** Set once the launcher has answered, unless the program could not be run. */
  identity?: ProcessIdentity;
}

export class Launcher {
  readonly #clock: Clock;
  /** The launched processes that have not ended, by key. */
  readonly #launches = new Map<number, Launch>();
  /** By key, who waits for the result of a program. */
  readonly #runs = new Map<number, (result: RunResult) => void>();
  /** Keys of launches whose end we stay up to hear of. */
  readonly #awaited = new Set<number>();
  /** Keys for which the last look found an answer, or the news of an end, missing. */
  #overdue = new Set<number>();
  #lookTimer: Timer | undefined;
  #child: ChildProcess | undefined;
  #lastKey = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The launcher's own, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Brings the launcher up, so that the first launch need not wait for it. */
  open(): void {
    this.#child ??= this.#fork();
  }

  /**
   * Resolves once the program runs, or is known not to.
   * @throws Error when its log can't be written, or when the launcher was lost before it answered.
   */
  async launch(spec: LaunchSpec): Promise<WorkerProcess> {
    const startsAtByte = touchWorkerLog(spec.logFile);
    const key = ++this.#lastKey;
    const exit = new ExitNews();
    exit.subscribe(() => this.#forget(key));
    this.#awaited.add(key);
    const pid = await new Promise<number | undefined>((onAnswer, onRefused) => {
      this.#launches.set(key, { spec, exit, onAnswer, onRefused });
      this.#order({ kind: 'launch', key, spec });
    });
    return {
      pid,
      onExit: (listener) => exit.subscribe(listener),
      signalGroup: (signal) => pid !== undefined && signalGroup(pid, signal),
      release: () => this.#awaitNoMore(key),
      lastOutput: () => tailWorkerLog(spec.logFile, startsAtByte),
    };
  }

  /** Runs a program and nothing but that. Never rejects, and ends by the deadline, or a second after it. */
  run(command: readonly string[], deadlineMs: number): Promise<RunResult> {
    const key = ++this.#lastKey;
    return new Promise((resolve) => {
      const timer = this.#clock.startTimer(deadlineMs + WORD_MS, () => this.#endRun(key, { kind: 'overdue' }));
      this.#runs.set(key, (result) => {
        timer.cancel();
        resolve(result);
      });
      this.#order({ kind: 'run', key, command, deadlineMs });
    });
  }

  /** Lets the launcher go. What was launched stays, what is being launched is ended. */
  close(): void {
    const child = this.#child;
    if (child === undefined) return;
    const keys = [...this.#launches].filter(([, { identity }]) => identity === undefined).map(([key]) => key);
    if (keys.length > 0) this.#order({ kind: 'discard', keys });
    this.#child = undefined;
    this.#lookTimer?.cancel();
    this.#endRuns('the process that runs programs was let go');
    if (child.connected) child.disconnect();
  }

  #fork(): ChildProcess {
    const child = fork(PROGRAM, { detached: true, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.unref();
    child.on('message', (news: LauncherNews) => this.#onNews(news));
    // Not 'exit': that may come before its last messages have been read.
    child.on('disconnect', () => this.#onLost(child, 'it has ended'));
    child.on('error', (error) => this.#onLost(child, error.message));
    this.#lookTimer = this.#clock.startTimer(LOOK_EVERY_MS, () => this.#look(child), { unref: true });
    return child;
  }

  #order(order: LauncherOrder): void {
    try {
      this.open();
    } catch (error) {
      return this.#refuse(order, `the process that runs programs could not be started: ${errorMessage(error)}`);
    }
    this.#holdUp();
    // A send that fails needs no handling: 'disconnect' or 'error' follows, and every open order fails with it.
    if (this.#child?.connected === true) this.#child.send(order, () => undefined);
  }

  #refuse(order: LauncherOrder, reason: string): void {
    if (order.kind === 'run') this.#endRun(order.key, { kind: 'unrunnable', reason });
    else if (order.kind === 'launch') this.#onNews({ kind: 'refused', key: order.key, reason });
  }

  #onNews(news: LauncherNews): void {
    if (news.kind === 'ran') return this.#endRun(news.key, news.result);
    const launch = this.#launches.get(news.key);
    if (launch === undefined) return;
    if (news.kind === 'ended') return launch.exit.publish(news.report);
    if (news.kind === 'refused') {
      this.#forget(news.key);
      return launch.onRefused(new Error(news.reason));
    }
    if (news.pid !== undefined) launch.identity = identify({ pid: news.pid, logFile: launch.spec.logFile });
    launch.onAnswer(news.pid);
  }

  /** Nobody tells us when its workers end any more, so we watch for it ourselves. */
  #onLost(child: ChildProcess, why: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#lookTimer?.cancel();
    this.#endRuns(`the process that runs programs was lost: ${why}`);
    for (const [key, { identity, exit, onRefused }] of this.#launches) {
      if (identity !== undefined) adoptProcess(identity, this.#clock).onExit((report) => exit.publish(report));
      else {
        this.#forget(key);
        onRefused(new Error(`the process that launches workers was lost: ${why}`));
      }
    }
  }

  /** A launcher that was stopped (SIGSTOP) stays connected and says nothing: it is ended, and so counts as lost. */
  #look(child: ChildProcess): void {
    for (const launch of this.#launches.values()) {
      // If its start time could not be read earlier, it is read now: until its end is told, nobody else can have the pid.
      const { identity } = launch;
      if (identity !== undefined && identity.startTicks === undefined) launch.identity = identify(identity);
    }
    const before = this.#overdue;
    this.#overdue = this.#findOverdue();
    const isSilent = () => [...this.#findOverdue()].some((key) => before.has(key));
    // It may have been us who stood still: first read what it has said meanwhile.
    if (isSilent()) setImmediate(() => this.#child === child && isSilent() && this.#end(child));
    this.#lookTimer = this.#clock.startTimer(LOOK_EVERY_MS, () => this.#look(child), { unref: true });
  }

  /** Keys of the launches whose start or end it has not told of. */
  #findOverdue(): Set<number> {
    const overdue = [...this.#launches].filter(([, { identity }]) => identity === undefined || !lives(identity));
    return new Set(overdue.map(([key]) => key));
  }

  /**
   * What it has forked without telling us is ended too. It may hang in its file system, and once that answers it would become
   * a worker that nobody knows, and take a port.
   */
  #end(child: ChildProcess): void {
    const known = new Set([...this.#launches.values()].map(({ identity }) => identity?.pid));
    const untold = child.pid === undefined ? [] : childrenOf(child.pid).filter((pid) => !known.has(pid));
    child.kill('SIGKILL');
    for (const pid of untold) endRemains(pid);
  }

  #endRuns(reason: string): void {
    for (const key of [...this.#runs.keys()]) this.#endRun(key, { kind: 'unrunnable', reason });
  }

  #endRun(key: number, result: RunResult): void {
    const told = this.#runs.get(key);
    this.#runs.delete(key);
    this.#holdUp();
    told?.(result);
  }

  #forget(key: number): void {
    this.#launches.delete(key);
    this.#awaitNoMore(key);
  }

  #awaitNoMore(key: number): void {
    this.#awaited.delete(key);
    this.#holdUp();
  }

  /** The connection keeps our process up for as long as somebody's end, or a result, is awaited. */
  #holdUp(): void {
    if (this.#awaited.size > 0 || this.#runs.size > 0) this.#child?.channel?.ref();
    else this.#child?.channel?.unref();
  }
}

function identify({ pid, logFile }: Pick<ProcessIdentity, 'pid' | 'logFile'>): ProcessIdentity {
  const found = lookForProcess(pid);
  if (found === 'unknown') return { pid, startTicks: undefined, logFile };
  // -1: it is gone already, and no process has this start time.
  return { pid, startTicks: found === 'gone' ? -1 : found.startTicks, logFile };
}
