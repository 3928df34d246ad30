// One worker's life: the only place that moves it, along the table of worker-state.ts, one event a move.
// It does what it is told (the manager decides) and reports what it sees; late news of an earlier state is dropped.
// Long, because every move checks and changes the one state; what happens within a state is in files of its own.
import { EventEmitter } from 'node:events';
import type { Clock } from '../src/core/clock.js';
import { errorMessage, operatorError, UnderstudyError } from '../src/core/errors.js';
import type { Random } from '../src/core/random.js';
import type {
  TrafficPort,
  UpstreamAddress,
  UpstreamIdentity,
  UpstreamIncident,
  UpstreamTarget,
} from '../src/core/traffic-port.js';
import { drainOut } from './drain-out.js';
import { isManaged, type BackendOptions, type PoolOptions, type Temperature } from './options.js';
import { launchKeyOf } from './launch-key.js';
import type { LaunchTurns } from './launch-turns.js';
import { unproven, type HealthVerdict } from './readiness.js';
import { judgeFailure, noFailures, type RestartHistory } from './restart-policy.js';
import type { Hook, HookTarget } from './sleep-hooks.js';
import { stopProcess } from './stop-ladder.js';
import { trySignal } from './try-signal.js';
import type { Why } from './why.js';
import { describeExit, exitFailure, notAsleep, notAwake, notEnded, startTimeout, wedged } from './worker-failure.js';
import { WorkerHealth } from './worker-health.js';
import { endAtOnce, launchWorker, type Launched } from './worker-launch.js';
import type { ExitReport, ProbeResult, WorkerProcess, WorkerRuntime } from './worker-runtime.js';
import { mayMove, processOf, type StandbyState, type WorkerState } from './worker-state.js';

export interface WorkerMove extends Why {
  readonly worker: Worker;
  readonly from: WorkerState;
  readonly to: WorkerState;
}

export interface WorkerEvents {
  moved: [WorkerMove];
  /** It may have become ready, usable, useless or outdated. */
  judged: [Why];
  /** Its first answer since it was promoted. */
  proved: [];
  /** How many milliseconds it took to answer from this temperature. */
  timed: [Temperature, number];
}

export interface WorkerDeps {
  /** The current ones: read at every use, since they may change while the worker lives. */
  readonly options: PoolOptions;
  readonly traffic: TrafficPort;
  readonly runtime: WorkerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  /** Ports of all workers of the pool. */
  readonly portsInUse: Set<number>;
  readonly turns: LaunchTurns;
  /** When it aborts, drains and graces are cut short. */
  readonly hurry: AbortSignal;
  /** The worker has memory on a GPU that computes. */
  readonly usesBusyGpu: (id: string) => boolean;
  /** Somebody else has the pool, or is about to: nobody is signalled or ended, whatever is seen of it. */
  readonly isHeld: () => boolean;
}

/** How a process that an earlier Understudy started becomes a worker's. */
export interface Adoption {
  readonly launched: Launched;
  readonly generation: number;
  readonly restarts: number;
  readonly forks: number;
  /** The last three are standby. */
  readonly state: 'starting' | 'active' | 'hot' | 'frozen' | 'asleep';
}

/** After its readiness. By then it has answered its first requests, and has not leaked much yet. */
const FRESH_MS = 600_000;

export class Worker extends EventEmitter<WorkerEvents> {
  readonly id: string;
  readonly number: number;
  /** For a server that forks by itself: how many processes it was told to start. */
  forks = 1;
  /** What the mode adds to the environment of the next process. */
  modeEnv: Readonly<Record<string, string>> = {};
  readonly #deps: WorkerDeps;
  #backend: BackendOptions;
  #state: WorkerState = { kind: 'off' };
  #generation = 0;
  #restarts = 0;
  #history: RestartHistory = noFailures;
  #lastError: UnderstudyError | undefined;
  /** Somebody asked for its process to be replaced. */
  #condemned = false;
  /** The options ask for another process than the one that it has. */
  #stale = false;
  /** It forks by itself, and the mode asks for another number of processes. */
  #reforked = false;
  #sleepless = false;
  #launched: Launched | undefined;
  #health: WorkerHealth | undefined;
  /** Undefined for one that somebody else started. */
  #startedAtMs: number | undefined;
  #readyAtMs: number | undefined;
  /** Promoted, and has not answered since. */
  #unprovenPromotion = false;
  /** Set only during the move that tells of its waking, or of a cold standby's promotion. */
  #calledAtMs: number | undefined;
  /** It was loaded and proven before it got traffic. */
  #warm = false;
  /** Aborting it gives up the drain under way. */
  #drainCut = new AbortController();

  constructor(backend: BackendOptions, number: number, deps: WorkerDeps) {
    super();
    this.id = `${backend.name}/${number}`;
    this.#backend = backend;
    this.number = number;
    this.#deps = deps;
  }

  get backend(): BackendOptions {
    return this.#backend;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** What the last probe of its process said, in words; undefined while there is none, or none was answered for. */
  get lastProbe(): string | undefined {
    const evidence = this.#health?.evidence;
    return evidence === unproven.evidence ? undefined : evidence;
  }

  get verdict(): HealthVerdict {
    return this.#health?.verdict ?? 'unproven';
  }

  get generation(): number {
    return this.#generation;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get address(): UpstreamAddress | undefined {
    return this.#launched?.address;
  }

  /** What its process is, while it has one. */
  get launched(): Launched | undefined {
    return processOf(this.#state) === undefined ? undefined : this.#launched;
  }

  /** Goes by its process, if it has one: the options may have turned its backend into the other kind by now. */
  get managed(): boolean {
    const { launched } = this;
    return launched === undefined ? isManaged(this.backend) : launched.spec !== undefined;
  }

  get pid(): number | undefined {
    return processOf(this.#state)?.pid;
  }

  get lastError(): UnderstudyError | undefined {
    return this.#lastError;
  }

  /** Its process is to be replaced. Without one there is nothing to replace. */
  get outdated(): boolean {
    return this.#isToBeReplaced && processOf(this.#state) !== undefined;
  }

  get #isToBeReplaced(): boolean {
    return this.#condemned || this.#stale || this.#reforked;
  }

  /** Outdated because the options have changed. */
  get stale(): boolean {
    return this.#stale;
  }

  /** During its promotion: when it was woken, or started as a cold standby, for that. */
  get calledAtMs(): number | undefined {
    return this.#calledAtMs;
  }

  /** It could not be put to sleep; the next switch, or a restart, tries again. */
  get sleepless(): boolean {
    return this.#sleepless;
  }

  get ready(): boolean {
    return this.#state.kind === 'starting' && this.verdict === 'well' && this.willing;
  }

  /** Not known to be down, and its application does not refuse requests. */
  get willing(): boolean {
    return this.#health?.willing ?? false;
  }

  /** It was started lately, so the memory that it holds tells what a start needs. */
  get fresh(): boolean {
    if (this.#startedAtMs === undefined) return false;
    return this.#readyAtMs === undefined || this.#deps.clock.now() - this.#readyAtMs < FRESH_MS;
  }

  /** In traffic, or on its way out of it, and well as far as anybody knows. */
  get usable(): boolean {
    const { kind } = this.#state;
    return (kind === 'active' || kind === 'draining') && (this.#health?.well ?? false);
  }

  get serving(): boolean {
    return this.#state.kind === 'active' && this.usable;
  }

  /** Its process is being made. */
  get launching(): boolean {
    return this.#state.kind === 'starting' && processOf(this.#state) === undefined;
  }

  /** A hook is under way. */
  get changing(): boolean {
    return this.#state.kind === 'standby' && this.#state.hook !== undefined;
  }

  /** What traffic should know of it; undefined while it must get no new request. */
  get target(): UpstreamTarget | undefined {
    const { id, number, backend, address, generation } = this;
    if (this.#state.kind !== 'active' || address === undefined) return undefined;
    const { maxInflight } = this.#health?.announced ?? {};
    const weight = 'weight' in backend ? (backend.weight ?? 1) : 1;
    const target = { id, generation, backend: backend.name, worker: number, address, weight, warm: this.#warm };
    return maxInflight === undefined ? target : { ...target, maxInflight };
  }

  /** What traffic knows its present process as. */
  get #identity(): UpstreamIdentity {
    return { id: this.id, generation: this.#generation };
  }

  start(why: Why): void {
    if (this.#state.kind === 'failed' || this.#isToBeReplaced) this.#restarts++;
    this.#generation++;
    this.#condemned = false;
    this.#stale = false;
    this.#reforked = false;
    this.#launched = undefined;
    this.#health = undefined;
    this.#startedAtMs = this.#deps.clock.now();
    this.#readyAtMs = undefined;
    this.#unprovenPromotion = false;
    this.#warm = false;
    const begun = this.#move({ kind: 'starting' }, why);
    void this.#launch(begun).catch((error: unknown) => {
      if (this.#state === begun) this.#fail(asUnderstudyError(this.id, error), { cause: 'its start failed' });
    });
  }

  /**
   * From off: takes over a process that an earlier Understudy started, in the state in which that one left it. If it was
   * active it is so at once, and usable until its probes say otherwise.
   */
  adopt(adoption: Adoption, why: Why): void {
    const { launched, state } = adoption;
    const { process, address } = launched;
    this.#startedAtMs = undefined;
    this.#generation = adoption.generation;
    this.#restarts = adoption.restarts;
    this.forks = adoption.forks;
    // It served before: whoever balances may trust it with a full share.
    this.#warm = true;
    if (state !== 'starting') this.#readyAtMs = this.#deps.clock.now();
    if (address.kind === 'tcp') this.#deps.portsInUse.add(address.port);
    const health = this.#watchOver(launched, { proven: state !== 'starting' });
    if (state === 'starting' || state === 'active') this.#move({ kind: state, process }, why);
    else this.#move({ kind: 'standby', process, temperature: state }, why);
    this.#stale = this.#isStale();
    process.onExit((report) => this.#onExit(process, report));
    const answers = state !== 'frozen' && state !== 'asleep';
    if (answers && processOf(this.#state) === process) health.resume();
  }

  /**
   * Into traffic, in this turn: a frozen group is continued first. Its next probe proves it. `standsIn`: it takes the place of
   * lost workers. A cold standby is started only for that, so its promotion is timed from its start.
   */
  promote(why: Why, { standsIn = false }: { readonly standsIn?: boolean } = {}): void {
    const process = this.#process();
    const wasCold = standsIn && this.#state.kind === 'starting';
    if (wasCold) {
      this.#calledAtMs = this.#startedAtMs;
      this.#unprovenPromotion = true;
    }
    if (this.#state.kind === 'standby') {
      if (this.#state.temperature === 'frozen') process.signalGroup('SIGCONT');
      this.#unprovenPromotion = true;
      this.#warm = true;
    }
    this.#drainCut.abort();
    this.#move({ kind: 'active', process }, why);
    if (wasCold) this.#calledAtMs = undefined;
    this.#health?.resume();
    this.#health?.probeNow();
  }

  /** From starting to standby, running. */
  rest(why: Why): void {
    this.#move({ kind: 'standby', process: this.#process(), temperature: 'hot' }, why);
  }

  /** A standby's whole process group is stopped: no CPU, memory kept. */
  freeze(why: Why): void {
    const process = this.#process();
    // Before the probes pause: if the signal is refused, it runs on and must still be probed.
    process.signalGroup('SIGSTOP');
    this.#health?.pause();
    this.#move({ kind: 'standby', process, temperature: 'frozen' }, why);
  }

  thaw(why: Why): void {
    const process = this.#process();
    process.signalGroup('SIGCONT');
    this.#move({ kind: 'standby', process, temperature: 'hot' }, why);
    this.#health?.resume();
  }

  /** Its application releases the GPU memory, by its own hook. */
  sleep(why: Why): void {
    const process = this.#process();
    const rehearsal = this.#state.kind === 'standby' && this.#state.rehearsal === true;
    this.#health?.pause();
    const asleep = { kind: 'standby', process, temperature: 'asleep', ...(rehearsal ? { rehearsal } : {}) } as const;
    void this.#fallAsleep(this.#move({ ...asleep, hook: 'demote' }, why));
  }

  /** Once its golden request is answered it is a standby that runs. */
  wake(why: Why, { rehearsal = false }: { readonly rehearsal?: boolean } = {}): void {
    const calledAtMs = this.#deps.clock.now();
    const asleep = { kind: 'standby', process: this.#process(), temperature: 'asleep' } as const;
    const begun = this.#move({ ...asleep, hook: 'promote', ...(rehearsal ? { rehearsal } : {}) }, why);
    void this.#wakeUp(begun, calledAtMs);
  }

  /** Has a standby show how fast it answers. One that sleeps is woken for that only where there is room. */
  async rehearse({ mayWake, signal }: { readonly mayWake: boolean; readonly signal: AbortSignal }): Promise<void> {
    const begun = this.#state;
    if (begun.kind !== 'standby' || !this.managed || this.#health === undefined || this.#deps.isHeld()) return;
    if (begun.temperature !== 'asleep') return this.#rehearseAwake(begun, () => this.#health!.rehearse(signal));
    if (!mayWake || begun.hook !== undefined) return;
    this.wake({ cause: 'a rehearsal', rule: 'each way back into traffic is tried now and then' }, { rehearsal: true });
  }

  async #rehearseAwake(begun: StandbyState, ask: () => Promise<ProbeResult>): Promise<void> {
    const frozen = begun.temperature === 'frozen';
    const beganAtMs = this.#deps.clock.now();
    if (frozen && trySignal(begun.process, 'SIGCONT') === 'refused') return;
    const result = await ask();
    // If it was promoted, stopped, lost or left to another Understudy meanwhile, it must not be frozen again.
    if (this.#state !== begun || this.#deps.isHeld()) return;
    if (result.kind === 'passed' || result.kind === 'unknown') {
      if (frozen) trySignal(begun.process, 'SIGSTOP');
      if (result.kind === 'passed') this.emit('timed', begun.temperature, this.#deps.clock.now() - beganAtMs);
    } else if (frozen) this.#condemn('it failed its rehearsal');
  }

  async #fallAsleep(begun: WorkerState): Promise<void> {
    const failure = await this.#runHook(this.#deps.options.sleepHooks?.demote);
    if (this.#state !== begun || begun.kind !== 'standby') return;
    if (failure === undefined) {
      const { process, rehearsal } = begun;
      this.#move({ kind: 'standby', process, temperature: 'asleep' }, { cause: 'it is asleep' });
      if (rehearsal === true) this.emit('judged', { cause: 'its rehearsal is over' });
      return;
    }
    this.#sleepless = true;
    this.#lastError = notAsleep(this.id, failure);
    const rule = 'it rests cold instead: what it holds is free then, and it is started when it is needed';
    const why = { cause: 'it could not be put to sleep', evidence: failure, rule };
    if (this.#deps.isHeld()) this.markOutdated(why);
    else this.stop(why);
  }

  async #wakeUp(begun: WorkerState, calledAtMs: number): Promise<void> {
    const { promote, golden } = this.#deps.options.sleepHooks ?? {};
    const isCurrent = () => this.#state === begun;
    const failure = (await this.#runHook(promote)) ?? (isCurrent() ? await this.#runHook(golden) : undefined);
    if (!isCurrent() || begun.kind !== 'standby') return;
    if (failure !== undefined) {
      const rule = 'nobody knows what it is like now: a new process takes its place';
      const why = { cause: 'it did not wake', evidence: failure, rule };
      const error = notAwake(this.id, failure);
      if (!this.#deps.isHeld()) return this.stop(why, error);
      this.#lastError = error;
      return this.markOutdated(why);
    }
    const { process, rehearsal = false } = begun;
    const tookMs = this.#deps.clock.now() - calledAtMs;
    this.#health?.resume();
    this.emit('timed', 'asleep', tookMs);
    const evidence = `its golden request was answered ${tookMs.toFixed(1)} ms after the call`;
    // The manager promotes it within the move below, and asks then when it was called.
    if (!rehearsal) this.#calledAtMs = calledAtMs;
    const awake = { kind: 'standby', process, temperature: 'hot', ...(rehearsal ? { rehearsal } : {}) } as const;
    this.#move(awake, { cause: 'it is awake', evidence });
    this.#calledAtMs = undefined;
  }

  #runHook(hook: Hook | undefined): Promise<string | undefined> {
    const address = this.address;
    // A reload may have removed the hooks while it sleeps.
    if (hook === undefined) return Promise.resolve('there is no hook for it any more');
    if (address === undefined) return Promise.resolve('it has no address');
    const target: HookTarget = { pid: this.pid, address, name: this.backend.name, worker: this.number };
    return this.#deps.runtime.runHook(hook, target);
  }

  /** Out of traffic; once idle, or after the drain timeout, on to `next`. */
  drain(next: 'standby' | 'off', why: Why): void {
    this.#drainCut = new AbortController();
    const begun = this.#move({ kind: 'draining', process: this.#process(), next }, why);
    void this.#drainOut(begun, this.#drainCut.signal);
  }

  /** Through SIGTERM and SIGKILL to off; with a `failure`, to failed. */
  stop(why: Why, failure?: UnderstudyError): void {
    const process = processOf(this.#state);
    this.#drainCut.abort();
    this.#health?.pause();
    if (process === undefined) return void this.#move({ kind: 'off' }, why);
    this.#move(failure === undefined ? { kind: 'stopping', process } : { kind: 'stopping', process, failure }, why);
    const { clock, options, hurry } = this.#deps;
    void stopProcess(process, { clock, graceMs: options.stop.graceMs, hurry }).then((ending) => {
      if (ending === 'refused' || ending === 'undying') this.#leaveRunning(process, ending);
    });
  }

  /**
   * We can't end its process, so we stop waiting for that. The worker does not get a second process by itself: only a
   * switch, a reload or a restart tries to start one.
   */
  #leaveRunning(process: WorkerProcess, why: 'refused' | 'undying'): void {
    if (this.#state.kind !== 'stopping' || this.#state.process !== process) return;
    const { address } = this;
    const error = notEnded(this.id, process.pid, why);
    this.#lastError = error;
    const cause =
      why === 'refused' ? 'its process may not be signalled, and lives on' : 'its process could not be ended';
    const rule = 'it is left alone until that one ends, or somebody changes or restarts the pool';
    this.#move({ kind: 'failed', error }, { cause, rule });
    process.onExit(() => {
      this.#freePort(address);
      // If it has failed for another reason since, that one decides when it starts again.
      if (this.#state.kind !== 'failed' || (this.#state.error !== error && this.#state.error.code !== 'port-in-use'))
        return;
      this.#move(
        { kind: 'failed', error, retryAtMs: this.#deps.clock.now() },
        { cause: 'that process has ended at last' },
      );
    });
  }

  /** A failed worker becomes one that merely is off. */
  forget(why: Why): void {
    this.#move({ kind: 'off' }, why);
  }

  /** What the options say of its backend now. Its process lives on, and is replaced if it has become another one. */
  configure(backend: BackendOptions): void {
    this.#backend = backend;
    this.#stale = this.#isStale();
  }

  /** Its process is to be replaced; the planner says when. */
  markOutdated(why: Why): void {
    this.#condemned = true;
    this.emit('judged', why);
  }

  /**
   * For a server that forks by itself: how many processes it should have. While it has another number, it is outdated. No
   * event tells of it: the caller marks all workers, and then has a plan made.
   */
  noteForksWanted(forks: number): void {
    const { kind } = this.#state;
    this.#reforked = this.managed && kind !== 'off' && kind !== 'failed' && this.forks !== forks;
  }

  /** It is judged by what is seen from here on, not by what was seen while another Understudy had it. */
  judgeAfresh(): void {
    this.#health?.judgeAfresh();
  }

  /** Forgives what it did so far: the next failure is its first, and it may start again at once. */
  pardon(): void {
    this.#history = noFailures;
    this.#sleepless = false;
    if (this.#state.kind !== 'failed') return;
    const { error } = this.#state;
    this.#move({ kind: 'failed', error, retryAtMs: this.#deps.clock.now() }, { cause: 'its failures are forgiven' });
  }

  /** What traffic saw, weighed in this turn. Incidents of an earlier process are void. */
  onIncident({ kind, generation }: UpstreamIncident): void {
    if (generation !== this.#generation || this.#state.kind !== 'active') return;
    if (kind === 'refused') this.#health?.noteRefused();
    else if (kind === 'announced-drain') this.#health?.noteAnnouncedDrain();
    else this.#health?.noteBreaker(kind === 'breaker-open' ? 'open' : 'closed');
  }

  async #launch(begun: WorkerState): Promise<void> {
    const { options, runtime, clock, portsInUse, turns } = this.#deps;
    const { id, number, backend, generation, forks, modeEnv } = this;
    const isStillWanted = () => this.#state === begun;
    const wanted = { id, number, backend, generation, forks, modeEnv, isStillWanted };
    const order = { ...wanted, options, runtime, clock, portsInUse, turns };
    const launched = await launchWorker(order);
    if (launched === undefined) return;
    if (isStillWanted()) this.#attach(launched);
    else await this.#discard(launched);
  }

  /** Given up in the very moment of its launch. */
  async #discard({ process, address }: Launched): Promise<void> {
    await endAtOnce(process, this.#deps.clock);
    this.#freePort(address);
  }

  /** From here on the process is ours to watch. */
  #attach(launched: Launched): void {
    const { process } = launched;
    const health = this.#watchOver(launched, { proven: false });
    const pid = process.pid === undefined ? '' : ` as process ${process.pid}`;
    this.#move({ kind: 'starting', process }, { cause: `it was launched${pid}` });
    this.#stale = this.#isStale();
    process.onExit((report) => this.#onExit(process, report));
    if (processOf(this.#state) === process) health.resume();
  }

  #watchOver(launched: Launched, { proven }: { readonly proven: boolean }): WorkerHealth {
    const { process, address } = launched;
    const { clock, runtime, traffic, usesBusyGpu } = this.#deps;
    const pool = () => this.#deps.options;
    this.#launched = launched;
    const identity = this.#identity;
    const health = new WorkerHealth(
      {
        process,
        address,
        proven,
        pool,
        clock,
        runtime,
        traffic: () => traffic.trafficOf(identity),
        usesBusyGpu: () => usesBusyGpu(this.id),
      },
      {
        onChanged: (why) => this.emit('judged', why),
        onPassed: () => this.#onPassed(),
        onWedged: (evidence) => this.#condemn(evidence),
        onStuck: (idleMs) => this.#onStuck(idleMs),
      },
    );
    this.#health = health;
    return health;
  }

  #onPassed(): void {
    if (this.#readyAtMs === undefined) {
      this.#readyAtMs = this.#deps.clock.now();
      if (this.#startedAtMs !== undefined) this.emit('timed', 'cold', this.#readyAtMs - this.#startedAtMs);
    }
    if (this.#state.kind !== 'active' || !this.#unprovenPromotion) return;
    this.#unprovenPromotion = false;
    this.emit('proved');
  }

  #onStuck(idleMs: number): void {
    if (!this.managed || this.#state.kind !== 'starting' || this.#deps.isHeld()) return;
    const evidence = this.#health?.evidence ?? '';
    const output = this.#process().lastOutput();
    const failure = startTimeout(this.id, { seconds: Math.round(idleMs / 1000), evidence, output });
    this.stop({ cause: 'its start made no progress', evidence: `its health path ${evidence}` }, failure);
  }

  /**
   * Silent and idle, in whatever state: its process is ended as a failed one, and a new one takes its place. What is in
   * flight on it will never be answered: it is ended, or repeated elsewhere, in this turn, after traffic has left the worker.
   */
  #condemn(evidence: string): void {
    if (this.pid === undefined || this.#state.kind === 'stopping' || this.#deps.isHeld()) return;
    const upstream = this.#identity;
    this.stop(
      { cause: 'it is wedged', evidence, rule: 'busy is not dead, silent and idle is' },
      wedged(this.id, evidence),
    );
    this.#deps.traffic.abortInflight(upstream, { reason: 'wedged' });
  }

  async #drainOut(begun: WorkerState, cut: AbortSignal): Promise<void> {
    const { clock, options, traffic, hurry } = this.#deps;
    const ended = await drainOut(this.#identity, { traffic, clock, stop: options.stop, cut, hurry });
    // It was promoted again, or its process has ended, while it drained.
    if (this.#state !== begun || begun.kind !== 'draining') return;
    const evidence =
      ended === 0 ? 'nothing was left in flight' : `${ended} in flight were ended when their time was over`;
    // While another Understudy may have it, it is not ended; once the pool is ours again, it is, if it is still unwanted.
    if (begun.next === 'off' && !this.#deps.isHeld()) return this.stop({ cause: 'it is drained', evidence });
    this.#move({ kind: 'standby', process: begun.process, temperature: 'hot' }, { cause: 'it is drained', evidence });
  }

  #onExit(process: WorkerProcess, report: ExitReport): void {
    const state = this.#state;
    if (processOf(state) !== process) return;
    this.#health?.pause();
    this.#drainCut.abort();
    this.#freePort(this.address);
    const evidence = describeExit(report);
    if (state.kind === 'stopping' && state.failure !== undefined) {
      return this.#fail(state.failure, { cause: 'it was ended', evidence });
    }
    const asked = state.kind === 'stopping' || (state.kind === 'draining' && state.next === 'off');
    const spec = this.#launched?.spec;
    if (asked || spec === undefined) return void this.#move({ kind: 'off' }, { cause: 'its process ended', evidence });
    const wasReady = state.kind !== 'starting';
    const failure = exitFailure(spec, { report, wasReady, pid: process.pid, output: process.lastOutput() });
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

  #freePort(address: UpstreamAddress | undefined): void {
    if (address?.kind === 'tcp') this.#deps.portsInUse.delete(address.port);
  }

  #isStale(): boolean {
    if (this.#launched === undefined || processOf(this.#state) === undefined) return false;
    return this.#launched.key !== launchKeyOf(this.#deps.options, this.backend, this.number);
  }

  #process(): WorkerProcess {
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

function asUnderstudyError(id: string, error: unknown): UnderstudyError {
  if (error instanceof UnderstudyError) return error;
  const message = `Cannot start ${id}: ${errorMessage(error)}`;
  return operatorError('start-failed', message, error);
}
