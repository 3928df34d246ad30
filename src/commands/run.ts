// `understudy run`: starts an instance in the foreground and stays until it is told to stop.
// SIGTERM or SIGINT ends it gracefully, a second one hurries.

import { createUnderstudy } from '../app.js';
import { loadConfig, type ConfigFlags } from '../config/load-config.js';
import { systemClock } from '../core/clock.js';
import { errorCode, errorMessage } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { tuneEngine } from '../engine-tuning.js';
import { createLog } from '../logging.js';
import { ReloadTriggers } from '../reload-triggers.js';
import { environmentForSuccessor, takePassedEnvironment } from '../systemd/passed-environment.js';
import { ServiceNotifier } from '../systemd/service-notifier.js';
import type { Understudy } from '../understudy.js';
import { Predecessor, SUCCESSOR_CONFIG_VARIABLE, SUCCESSOR_VARIABLE } from '../upgrade/predecessor.js';
import { WorkerOutput } from '../worker-output.js';
import { EXIT } from './exit-code.js';
import { lineWriter, progressLine, type Terminal } from './terminal.js';
import { usageError } from './usage-error.js';

export interface RunOptions {
  /** Reload when the config file changes. */
  readonly watch?: boolean;
  /** SIGTERM leaves the workers running, for the next start to adopt. */
  readonly keepWorkers?: boolean;
}

/** Resolves with the exit code once everything it started is gone. */
export async function runInstance(flags: ConfigFlags, terminal: Terminal, options: RunOptions = {}): Promise<number> {
  const predecessor = process.env[SUCCESSOR_VARIABLE] === undefined ? undefined : new Predecessor();
  try {
    return await runForeground(flags, terminal, { ...options, predecessor });
  } catch (error) {
    predecessor?.fail(error);
    throw error;
  }
}

interface ForegroundOptions extends RunOptions {
  readonly predecessor: Predecessor | undefined;
}

async function runForeground(flags: ConfigFlags, terminal: Terminal, options: ForegroundOptions): Promise<number> {
  const known = options.predecessor?.configPath;
  const { config, path } = loadConfig({ flags, ...(known === undefined ? {} : { path: known }) });
  if (options.watch === true && path === undefined) {
    throw usageError('--watch needs a config file, and there is none; give one with --config.');
  }
  await tuneEngine();
  const log = createLog(config.log);
  const passed = takePassedEnvironment(process.env, process.pid);
  const notifier = new ServiceNotifier(passed, { clock: systemClock, log });
  const understudy = createUnderstudy(config, {
    log,
    configPath: path,
    loadConfig: () => loadConfig({ flags, ...(path === undefined ? {} : { path }) }).config,
    successorEnv: {
      ...environmentForSuccessor(passed),
      ...(path === undefined ? {} : { [SUCCESSOR_CONFIG_VARIABLE]: path }),
    },
  });
  const output = showWorkerOutput(understudy, { logDir: config.logDir, terminal });
  const signals = new StopSignals(understudy, options);
  understudy.stopping.addEventListener('abort', () => notifier.noteStopping(), { once: true });
  const triggers = new ReloadTriggers({
    clock: systemClock,
    watchedPath: options.watch === true ? path : undefined,
    onReload: (cause) => void reloadAndTell(understudy, { cause, log }),
    onTerminalGone: () => signals.receive(),
  });
  try {
    const { predecessor } = options;
    const front = await startWithProgress(understudy, signals, { terminal, predecessor, frontFd: passed.frontFd });
    if (front !== undefined) notifier.noteReady(`ready on ${front}`);
    await understudy.stopped;
  } finally {
    await understudy.stop();
    await output.stop();
    await notifier.stop();
    signals.release();
    triggers.release();
    leaveUnread(terminal);
  }
  return EXIT.done;
}

/** What a terminal that was stopped (Ctrl-S) does not take would keep us for as long as it is stopped. */
function leaveUnread({ stdout, stderr }: Terminal): void {
  if (stdout.writableLength + stderr.writableLength === 0) return;
  systemClock.startTimer(LAST_WORDS_MS, () => process.exit(), { unref: true });
}

/** Nobody waits for this one: what comes of it is told in the log. */
async function reloadAndTell(understudy: Understudy, { cause, log }: { cause: string; log: Logger }): Promise<void> {
  try {
    const { changes, backends } = await understudy.reload();
    log.info({ cause, changes: changes.map(({ path }) => path), backends }, 'reloaded');
  } catch (error) {
    const came =
      errorCode(error) === 'mode-not-reached'
        ? 'the reload is in force but for its mode'
        : 'the reload changed nothing';
    log.error({ cause, reason: errorMessage(error) }, came);
  }
}

function showWorkerOutput(
  understudy: Understudy,
  { logDir, terminal }: { readonly logDir: string; readonly terminal: Terminal },
): WorkerOutput {
  const write = lineWriter(terminal.stdout);
  const output = new WorkerOutput({
    logDir,
    isWanted: (backend) => understudy.backendNames.includes(backend),
    from: 'end',
    onLine: (workerId, line) => write(`${workerId} | ${line}`),
  });
  output.start();
  return output;
}

const PROGRESS_INTERVAL_MS = 250;
const LAST_WORDS_MS = 1_000;

interface StartContext {
  readonly terminal: Terminal;
  readonly predecessor: Predecessor | undefined;
  readonly frontFd: number | undefined;
}

/** Resolves with the front's addresses, in words; undefined when it was stopped while it started. */
async function startWithProgress(
  understudy: Understudy,
  signals: StopSignals,
  { terminal, predecessor, frontFd }: StartContext,
): Promise<string | undefined> {
  const line = progressLine(terminal);
  const startedAt = systemClock.now();
  let timer = systemClock.startTimer(PROGRESS_INTERVAL_MS, tick);
  function tick(): void {
    const elapsedSeconds = ((systemClock.now() - startedAt) / 1000).toFixed(1);
    line.show(`starting: ${workersUnderWay(understudy)} (${elapsedSeconds} s)`);
    timer = systemClock.startTimer(PROGRESS_INTERVAL_MS, tick);
  }
  try {
    const addresses = await understudy.start({ signal: signals.startSignal, predecessor, frontFd });
    line.clear();
    const front = [addresses.frontUrl, addresses.frontSocket].filter((place) => place !== undefined).join(' and ');
    terminal.stdout.write(
      `understudy is ready on ${front}\nadmin API on ${addresses.adminUrl} (token ${addresses.token})\n`,
    );
    return front;
  } catch (error) {
    // Whoever asked for it, a stop in the middle of the start is no failure.
    if (!understudy.stopping.aborted) throw error;
    return undefined;
  } finally {
    timer.cancel();
    line.clear();
  }
}

function workersUnderWay(understudy: Understudy): string {
  const workers = understudy.status().backends.flatMap((backend) => backend.workers);
  return workers.map((worker) => `${worker.id} ${worker.state}`).join(', ');
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * The first SIGINT or SIGTERM, or the loss of our terminal, stops gracefully; the next one makes the stop hurry. By
 * default a SIGHUP would end us alone and leave the workers behind.
 */
class StopSignals {
  readonly #understudy: Understudy;
  readonly #keepWorkers: boolean;
  readonly #startAbort = new AbortController();
  readonly #hurry = new AbortController();
  readonly #onSignal = (signal: NodeJS.Signals) => this.receive(signal);

  constructor(understudy: Understudy, { keepWorkers = false }: Pick<RunOptions, 'keepWorkers'>) {
    this.#understudy = understudy;
    this.#keepWorkers = keepWorkers;
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onSignal);
  }

  get stopping(): boolean {
    return this.#startAbort.signal.aborted;
  }

  /** Aborts when the stop comes while the start is still under way. */
  get startSignal(): AbortSignal {
    return this.#startAbort.signal;
  }

  release(): void {
    for (const signal of STOP_SIGNALS) process.off(signal, this.#onSignal);
  }

  receive(signal?: NodeJS.Signals): void {
    if (this.stopping) return this.#hurry.abort();
    this.#startAbort.abort();
    // Whoever presses Ctrl-C wants it all gone; a service manager that restarts us does not.
    const keepWorkers = this.#keepWorkers && signal === 'SIGTERM';
    void this.#understudy.stop({ hurry: this.#hurry.signal, keepWorkers });
  }
}
