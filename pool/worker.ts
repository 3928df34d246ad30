// One worker's life: the only place that moves it, along the table of worker-state.ts, one event a move.
// It does what it is told (the manager decides) and reports what it sees; late news about an earlier process is dropped.
import { EventEmitter } from 'node:events';
import type { Clock } from '../src/core/clock.js';
import { errorMessage, UnderstudyError } from '../src/core/errors.js';
import type { Random } from '../src/core/random.js';
import type { TrafficPort, UpstreamAddress, UpstreamIncident, UpstreamTarget } from '../src/core/traffic-port.js';
import { isManaged, type BackendOptions, type PoolOptions } from './options.js';
import { ProbeLoop } from './probe-loop.js';
import { judgeProbe, probePauseMs, unproven, type Health } from './readiness.js';
import { judgeFailure, noFailures, type RestartHistory } from './restart-policy.js';
import { stopProcess } from './stop-ladder.js';
import { createUnmanagedProcess } from './unmanaged-process.js';
import { exitFailure, portInUse, startTimeout, wedged } from './worker-failure.js';
import { addressOfUrl, launchSpecOf } from './worker-place.js';
import type { ExitReport, LaunchSpec, ProbeResult, WorkerProcess, WorkerRuntime } from './worker-runtime.js';
import { mayMove, processOf, type WorkerState } from './worker-state.js';
import { WorkSigns } from './work-signs.js';

/** Why something happened, in words for people: what made it so, what was seen, which rule applied. */
export interface Why {
  readonly cause: string;
  readonly evidence?: string;
  readonly rule?: string;
}

export interface WorkerMove extends Why {
  readonly worker: Worker;
  readonly from: WorkerState;
  readonly to: WorkerState;
}

export interface WorkerEvents {
  moved: [WorkerMove];
  /** Its health or its breaker changed so that it may have become ready, usable or useless. */
  judged: [Worker, Why];
  /** Its first answer since it was promoted. */
  proved: [Worker];
}

export interface WorkerDeps {
  readonly options: PoolOptions;
  readonly traffic: TrafficPort;
  readonly runtime: WorkerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  /** Ports of all workers of the pool. */
  readonly portsInUse: Set<number>;
  /** Aborts when waiting has to end: drains and graces are cut short. */
  readonly hurry: AbortSignal;
}

export class Worker extends EventEmitter<WorkerEvents> {
  readonly id: string;
  readonly backend: BackendOptions;
  readonly number: number;
  /** Processes to start, for a server that forks by itself. */
  forks = 1;
  readonly #deps: WorkerDeps;
  #state: WorkerState = { kind: 'off' };
  #address: UpstreamAddress | undefined;
  #generation = 0;
  #restarts = 0;
  #history: RestartHistory = noFailures;
  #health: Health = unproven;
  #breakerOpen = false;
  #outdated: Why | undefined;
  #lastError: UnderstudyError | undefined;
  #spec: LaunchSpec | undefined;
  #probes: ProbeLoop | undefined;
  #signs: WorkSigns | undefined;
  #readyAtMs: number | undefined;
  /** Promoted, and has not answered since. */
  #unprovenPromotion = false;
  /** It was loaded and proven before it got traffic. */
  #warm = false;
  /** Ends the wait of the drain under way. */
  #drainCut = new AbortController();

  constructor(backend: BackendOptions, number: number, deps: WorkerDeps) {
    super();
    this.id = `${backend.name}/${number}`;
    this.backend = backend;
    this.number = number;
    this.#deps = deps;
  }

  get state(): WorkerState {
    return this.#state;
  }

  get health(): Health {
    return this.#health;
  }

  get generation(): number {
    return this.#generation;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get address(): UpstreamAddress | undefined {
    return this.#address;
  }

  get managed(): boolean {
    return isManaged(this.backend);
  }

  get pid(): number | undefined {
    return processOf(this.#state)?.pid;
  }

  get lastError(): UnderstudyError | undefined {
    return this.#lastError;
  }

  get outdated(): boolean {
    return this.#outdated !== undefined;
  }

  get ready(): boolean {
    return this.#state.kind === 'starting' && this.#health.verdict === 'well';
  }

  /** In traffic, or on its way out of it, and well as far as anybody knows. */
  get usable(): boolean {
    const { kind } = this.#state;
    return (kind === 'active' || kind === 'draining') && this.#health.verdict !== 'down' && !this.#breakerOpen;
  }

  get serving(): boolean {
    return this.#state.kind === 'active' && this.usable;
  }

  /** What traffic should know of it; undefined while it must get none. */
  get target(): UpstreamTarget | undefined {
    const { id, number, backend } = this;
    if (this.#state.kind !== 'active' || this.#address === undefined) return undefined;
    const warm = this.#warm;
    return {
      id,
      generation: this.#generation,
      backend: backend.name,
      worker: number,
      address: this.#address,
      weight: 1,
      warm,
    };
  }

  start(why: Why): void {
    if (this.#state.kind === 'failed' || this.outdated) this.#restarts++;
    this.#generation++;
    this.#health = unproven;
    this.#breakerOpen = false;
    this.#outdated = undefined;
    this.#readyAtMs = undefined;
    this.#unprovenPromotion = false;
    this.#warm = false;
    const begun = this.#move({ kind: 'starting' }, why);
    void this.#launch(begun).catch((error: unknown) => {
      if (this.#state === begun) this.#fail(toUnderstudyError(this.id, error), { cause: 'its start failed' });
    });
  }

  /** Into traffic, in this turn: a frozen group is continued first. Its next probe proves it. */
  promote(why: Why): void {
    const process = this.#processNow();
    if (this.#state.kind === 'standby') {
      this.#unprovenPromotion = true;
      this.#warm = true;
    }
    if (this.#state.kind === 'standby' && this.#state.temperature === 'frozen') process.signalGroup('SIGCONT');
    this.#drainCut.abort();
    this.#move({ kind: 'active', process }, why);
    this.#watch(process);
    this.#probes?.probeNow();
  }

  /** From starting to standby, running. */
  rest(why: Why): void {
    this.#move({ kind: 'standby', process: this.#processNow(), temperature: 'hot' }, why);
  }

  freeze(why: Why): void {
    const process = this.#processNow();
    this.#unwatch();
    process.signalGroup('SIGSTOP');
    this.#move({ kind: 'standby', process, temperature: 'frozen' }, why);
  }

  thaw(why: Why): void {
    const process = this.#processNow();
    process.signalGroup('SIGCONT');
    this.#move({ kind: 'standby', process, temperature: 'hot' }, why);
    this.#watch(process);
  }

  /** Out of traffic; once idle, or after the drain timeout, on to `next`. */
  drain(next: 'standby' | 'off', why: Why): void {
    this.#drainCut = new AbortController();
    const begun = this.#move({ kind: 'draining', process: this.#processNow(), next }, why);
    void this.#drainOut(begun, this.#drainCut.signal);
  }

  /** Through SIGTERM and SIGKILL to off; with a `failure`, to failed. */
  stop(why: Why, failure?: UnderstudyError): void {
    const process = processOf(this.#state);
    this.#drainCut.abort();
    if (process === undefined) return void this.#move({ kind: 'off' }, why);
    this.#unwatch();
    this.#move(failure === undefined ? { kind: 'stopping', process } : { kind: 'stopping', process, failure }, why);
    const { clock, options, hurry } = this.#deps;
    void stopProcess(process, { clock, graceMs: options.stop.graceMs, hurry });
  }

  /** A failed worker becomes one that merely is off. */
  forget(why: Why): void {
    this.#move({ kind: 'off' }, why);
  }

  /** Its process is to be replaced; the planner says when. */
  markOutdated(why: Why): void {
    this.#outdated = why;
    this.emit('judged', this, why);
  }

  /** Forgives what it did so far: the next failure is its first. */
  pardon(): void {
    this.#history = noFailures;
    const state = this.#state;
    if (state.kind !== 'failed') return;
    this.#move({ kind: 'failed', error: state.error, retryAtMs: this.#deps.clock.now() }, { cause: 'it is forgiven' });
  }

  /** What traffic saw. A refused connection is as good as a refused probe; a probe follows at once in any case. */
  onIncident(incident: UpstreamIncident): void {
    if (incident.generation !== this.#generation || this.#state.kind !== 'active') return;
    if (incident.kind === 'refused') this.#judge({ kind: 'refused' });
    else this.#breakerOpen = incident.kind === 'breaker-open';
    this.emit('judged', this, { cause: `traffic reported ${incident.kind}`, evidence: this.#health.evidence });
    this.#probes?.probeNow();
  }

  async #launch(begun: WorkerState): Promise<void> {
    const process = isManaged(this.backend) ? await this.#launchManaged(begun) : this.#attachUnmanaged(this.backend);
    if (process === undefined) return;
    const pid = process.pid === undefined ? '' : ` as process ${process.pid}`;
    this.#move({ kind: 'starting', process }, { cause: `it was launched${pid}` });
    process.onExit((report) => this.#onExit(process, report));
    if (processOf(this.#state) === process) this.#watch(process);
  }

  async #launchManaged(begun: WorkerState): Promise<WorkerProcess | undefined> {
    const { options, runtime, portsInUse } = this.#deps;
    if (!isManaged(this.backend)) return undefined;
    const { host } = this.backend;
    const port = await this.#findPort(this.backend);
    // Somebody may have stopped it while we looked at the port.
    if (this.#state !== begun) return undefined;
    portsInUse.add(port);
    this.#address = { kind: 'tcp', host, port };
    const { id, number, forks } = this;
    this.#spec = launchSpecOf(options, this.backend, { id, number, generation: this.#generation, port, forks });
    return runtime.launch(this.#spec);
  }

  #attachUnmanaged(backend: Exclude<BackendOptions, { port: number }>): WorkerProcess {
    this.#address = addressOfUrl(backend);
    return createUnmanagedProcess();
  }

  async #findPort(backend: { readonly host: string; readonly port: number }): Promise<number> {
    const { runtime, portsInUse } = this.#deps;
    if (this.number > 1) return runtime.findPort(backend.host, { inUse: portsInUse });
    const holder = await runtime.portHolder(backend.host, backend.port);
    if (holder !== undefined) throw portInUse(this.id, `port ${backend.port} on ${backend.host}`, holder);
    return backend.port;
  }

  #watch(process: WorkerProcess): void {
    if (this.#probes !== undefined || this.#address === undefined) return;
    const { clock, runtime, options, traffic } = this.#deps;
    const address = this.#address;
    this.#signs ??= new WorkSigns({
      clock,
      vitals: () => runtime.vitals(process),
      traffic: () => traffic.trafficOf({ id: this.id, generation: this.#generation }),
    });
    this.#probes = new ProbeLoop({
      clock,
      probe: (signal) => runtime.probe(address, { ...options.health, signal }),
      onResult: (result) => this.#onProbe(result),
    });
    this.#probes.probeNow();
  }

  #unwatch(): void {
    this.#probes?.stop();
    this.#probes = undefined;
  }

  #onProbe(result: ProbeResult): number {
    const before = this.#health.verdict;
    this.#judge(result);
    const { verdict, evidence } = this.#health;
    if (result.kind === 'passed') this.#noteProof();
    if (this.#state.kind === 'starting' && verdict !== 'well') this.#checkProgress(result);
    else if (verdict === 'down') this.#condemnIfDead(result);
    if (verdict !== before)
      this.emit('judged', this, { cause: `its health changed from ${before} to ${verdict}`, evidence });
    return probePauseMs(this.#health, this.#deps.options.health);
  }

  #judge(result: ProbeResult): void {
    const busy = result.kind === 'timeout' && (this.#signs?.isWorking() ?? false);
    this.#health = judgeProbe(this.#health, { result, busy }, this.#deps.options.health);
  }

  #noteProof(): void {
    this.#readyAtMs ??= this.#deps.clock.now();
    if (this.#state.kind !== 'active' || !this.#unprovenPromotion) return;
    this.#unprovenPromotion = false;
    this.emit('proved', this);
  }

  #checkProgress(result: ProbeResult): void {
    const { options } = this.#deps;
    if (!this.managed || this.#signs === undefined) return;
    const idleMs = this.#signs.msWithoutProgress(processOf(this.#state)?.lastOutput() ?? '', result);
    if (idleMs < options.startTimeoutMs) return;
    const output = processOf(this.#state)?.lastOutput() ?? '';
    const facts = { seconds: Math.round(idleMs / 1000), evidence: this.#health.evidence, output };
    this.stop({ cause: 'its start made no progress', evidence: facts.evidence }, startTimeout(this.id, facts));
  }

  /** Down by its own word (a 503) it may recover. Down without a word while its process lives, it is wedged. */
  #condemnIfDead(result: ProbeResult): void {
    const { kind } = this.#state;
    const silent = result.kind === 'refused' || result.kind === 'timeout' || result.kind === 'broken';
    if (!this.managed || !silent || this.#health.fails < this.#deps.options.health.fall) return;
    if (kind !== 'active' && kind !== 'standby') return;
    const evidence = `${this.#health.fails} probes in a row: it ${this.#health.evidence}`;
    this.stop(
      { cause: 'it is wedged', evidence, rule: 'busy is not dead, but silent and idle is' },
      wedged(this.id, evidence),
    );
  }

  async #drainOut(begun: WorkerState, cut: AbortSignal): Promise<void> {
    const { clock, options, traffic, hurry } = this.#deps;
    const upstream = { id: this.id, generation: this.#generation };
    const overdue = new AbortController();
    const timer = clock.startTimer(options.stop.drainTimeoutMs, () => overdue.abort(), { unref: true });
    const idle = await traffic.waitIdle(upstream, AbortSignal.any([overdue.signal, cut, hurry])).then(
      () => true,
      () => false,
    );
    timer.cancel();
    // Promoted again, or gone, while it drained.
    if (this.#state !== begun || begun.kind !== 'draining') return;
    const ended = idle ? 0 : traffic.abortInflight(upstream, { reason: 'drain-timeout' });
    const evidence = idle ? 'no request was left in flight' : `${ended} requests were ended by the drain timeout`;
    if (begun.next === 'off') return this.stop({ cause: 'it is drained', evidence });
    this.#move({ kind: 'standby', process: begun.process, temperature: 'hot' }, { cause: 'it is drained', evidence });
  }

  #onExit(process: WorkerProcess, report: ExitReport): void {
    const state = this.#state;
    if (processOf(state) !== process) return;
    this.#unwatch();
    this.#signs = undefined;
    if (this.#address?.kind === 'tcp') this.#deps.portsInUse.delete(this.#address.port);
    this.#drainCut.abort();
    const evidence = describeExit(report);
    if (state.kind === 'stopping' && state.failure !== undefined)
      return this.#fail(state.failure, { cause: 'it was ended', evidence });
    const wanted = state.kind === 'stopping' || (state.kind === 'draining' && state.next === 'off');
    if (wanted || this.#spec === undefined)
      return void this.#move({ kind: 'off' }, { cause: 'its process ended', evidence });
    const wasReady = state.kind !== 'starting';
    const failure = exitFailure(this.#spec, { report, wasReady, pid: process.pid, output: process.lastOutput() });
    this.#fail(failure, { cause: 'its process ended unasked', evidence });
  }

  #fail(error: UnderstudyError, why: Why): void {
    const { clock, options, random } = this.#deps;
    const now = clock.now();
    const servedMs = this.#readyAtMs === undefined ? 0 : now - this.#readyAtMs;
    const verdict = judgeFailure(this.#history, { servedMs }, { options: options.restart, random });
    this.#history = verdict.history;
    this.#lastError = error;
    if (verdict.kind === 'crash-loop') {
      const rule = `left alone after ${verdict.history.failures} failures in a row, until it is restarted by hand`;
      return void this.#move({ kind: 'failed', error }, { ...why, cause: `${why.cause}: a crash loop`, rule });
    }
    const rule = `it starts again in ${Math.round(verdict.delayMs)} ms`;
    this.#move({ kind: 'failed', error, retryAtMs: now + verdict.delayMs }, { ...why, rule });
  }

  #processNow(): WorkerProcess {
    const process = processOf(this.#state);
    if (process === undefined) throw new Error(`${this.id} has no process in state ${this.#state.kind}`);
    return process;
  }

  #move(to: WorkerState, why: Why): WorkerState {
    const from = this.#state;
    if (!mayMove(from.kind, to.kind)) throw new Error(`Cannot move ${this.id} from ${from.kind} to ${to.kind}`);
    this.#state = to;
    this.emit('moved', { worker: this, from, to, ...why });
    return to;
  }
}

function describeExit({ code, signal, spawnErrorCode }: ExitReport): string {
  if (spawnErrorCode !== undefined) return `it could not be run (${spawnErrorCode})`;
  return signal === undefined ? `exit code ${code ?? 'unknown'}` : `ended by ${signal}`;
}

function toUnderstudyError(id: string, error: unknown): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  return new UnderstudyError(`Cannot start ${id}: ${errorMessage(error)}`, {
    code: 'start-failed',
    source: 'operator',
    cause: error,
  });
}
