// The control plane's only writer. Every event (an exit, an incident, a judgement, a request, a timer) ends in one
// turn: observe, plan, take the steps, tell traffic, and again until the plan is empty. A turn is synchronous, so a
// standby is in traffic before the event loop sees anything else. The decisions themselves are the planner's.
// Long, because everything here ends in a turn and shares its state. What needs neither has a file of its own: the
// switches (switching.ts), what the operator asks of single backends (backend-control.ts), what is told (news.ts).
import { EventEmitter } from 'node:events';
import { abortWith, unlessAborted } from '../src/core/abort.js';
import type { Clock, Timer } from '../src/core/clock.js';
import { errorMessage, operatorError } from '../src/core/errors.js';
import type { Logger } from '../src/core/log.js';
import type { Random } from '../src/core/random.js';
import type { TrafficPort, UpstreamIncident } from '../src/core/traffic-port.js';
import { BackendControl } from './backend-control.js';
import { budgetOf, forksItself, modeNamed, roleIn, shapeOf, type Shape } from './modes.js';
import { takeOver } from './inheritance.js';
import { News } from './news.js';
import { countRunning, countServing, isServing, type ObservedWorker } from './observed.js';
import { NO_WISHES, withOperatorWishes } from './operator-wishes.js';
import { isManaged, type PoolOptions } from './options.js';
import { Orphans, type Orphan } from './orphans.js';
import type { Admission } from './resources/admission.js';
import { AdmissionDesk } from './resources/admission-desk.js';
import { readAvailableBytes } from './resources/machine-meter.js';
import { isOnBusyGpu } from './resources/gpu-use.js';
import { isGroupAlive } from './process-table.js';
import type { ResourceSource } from './resources/resource-monitor.js';
import type { PlanInput, Step } from './plan-input.js';
import { isConverged, planSteps, wantsStart } from './planner.js';
import type { PoolEvent } from './pool-event.js';
import { PoolMemory, type RememberedPool } from './pool-memory.js';
import { viewPool, type PoolView } from './pool-view.js';
import { comparePools, type PoolChange } from './pool-change.js';
import { PressureWatch } from './pressure-watch.js';
import { PromotionTimes } from './promotion-times.js';
import { pushOut } from './push-out.js';
import { Reach } from './reach.js';
import { Rehearsals } from './rehearsals.js';
import { Roster } from './roster.js';
import type { StateFile } from './state-file.js';
import { Steadiness } from './steadiness.js';
import { TierTimes } from './tier-times.js';
import { takeStep } from './step-taker.js';
import type { Forecast } from './switch-forecast.js';
import type { SwitchReport } from './switch-transaction.js';
import { Switching } from './switching.js';
import type { RunProgram } from './resources/run-with-deadline.js';
import { createSystemRuntime } from './system-runtime.js';
import { TargetPublisher } from './target-publisher.js';
import { done, Waiters, waiting } from './waiters.js';
import { WorkerPriorities } from './worker-priorities.js';
import type { WorkerRuntime } from './worker-runtime.js';
import type { Why } from './why.js';
import { processOf, temperatureOf } from './worker-state.js';
import type { Worker, WorkerMove } from './worker.js';

export interface PoolDeps {
  readonly traffic: TrafficPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The real machine by default. */
  readonly runtime?: WorkerRuntime;
  /** By it we adopt the workers of an earlier Understudy, and a later one adopts ours. Without it neither happens. */
  readonly stateFile?: StateFile;
}

export interface PoolEvents {
  event: [PoolEvent];
  /** Something in the view has changed. */
  change: [];
}

/** A dry run: the steps in order, and the processes that they cost. */
export interface SwitchPlan extends Forecast {
  readonly from: string | undefined;
  readonly to: string;
  readonly floor: number;
  readonly budget: number;
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
}

export interface StartOptions extends WaitOptions {
  /**
   * Another Understudy still has the workers, and goes on with them if we fail. They are adopted and told to traffic, but
   * none is started or ended before `takeCharge`.
   */
  readonly adoptOnly?: boolean;
}

/** Whose the pool is. Unless it is ours, traffic still hears of lost workers, but no step is taken and nobody is ended. */
type Tenure =
  | 'ours'
  /** We are still reading what another Understudy left, or another one is trying to take over: it becomes ours, or is left. */
  | 'held'
  /** We have adopted the workers of another Understudy that has yet to let go. Stopped before that, we leave them to it. */
  | 'adopting'
  /** Left to another Understudy for good. */
  | 'left';

/** Starts may wait for the memory of a process that was killed: as a rule it is gone by then. */
const LOOK_AGAIN_MS = 100;

/** Far more than a turn can need. Beyond it the plan is going in circles, and must not take the event loop with it. */
const MAX_ROUNDS = 100;

export class PoolManager extends EventEmitter<PoolEvents> {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #runtime: WorkerRuntime;
  readonly #memory: PoolMemory | undefined;
  readonly #roster: Roster;
  readonly #publisher: TargetPublisher;
  readonly #promotions: PromotionTimes;
  readonly #tiers = new TierTimes();
  readonly #steadiness: Steadiness;
  readonly #rehearsals: Rehearsals;
  readonly #orphans: Orphans;
  readonly #priorities: WorkerPriorities;
  #resources: ResourceSource | undefined;
  #admission: AdmissionDesk | undefined;
  readonly #waiters = new Waiters();
  readonly #news: News;
  readonly #switching: Switching;
  readonly #reach: Reach;
  readonly #byHand: BackendControl;
  readonly #pressure: PressureWatch;
  readonly #hurry = new AbortController();
  #options: PoolOptions;
  #budget: number;
  #turning = false;
  #turnAgain = false;
  #began = false;
  #stopping = false;
  #stopped: Promise<void> | undefined;
  #tenure: Tenure = 'ours';
  #wake: Timer | undefined;
  /** The time that the last plan was made for. Whatever it did not yet see as due needs a wake-up, even if it is due by now. */
  #plannedAtMs = -Infinity;

  constructor(options: PoolOptions, deps: PoolDeps) {
    super();
    const { clock, random, traffic, log } = deps;
    const runtime = deps.runtime ?? createSystemRuntime({ clock, random });
    const hurry = this.#hurry.signal;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#runtime = runtime;
    this.#budget = budgetOf(options);
    this.#news = new News({ clock, isTurning: () => this.#turning, tell: (event) => this.emit('event', event) });
    this.#publisher = new TargetPublisher(traffic);
    this.#pressure = new PressureWatch({ traffic, clock, options: () => this.#options });
    this.#promotions = new PromotionTimes(clock);
    this.#steadiness = new Steadiness(() => this.#options.failbackAfterMs);
    const onCreated = (worker: Worker) => this.#listenTo(worker);
    const usesBusyGpu = (id: string) => isOnBusyGpu(this.#resources?.latest, id);
    const isHeld = () => this.#held;
    this.#roster = new Roster(options, { traffic, runtime, clock, random, hurry, usesBusyGpu, isHeld, onCreated });
    this.#switching = new Switching({
      clock,
      waiters: this.#waiters,
      news: this.#news,
      workers: () => this.#workers,
      observe: () => this.#observe(),
      shape: () => this.#shape(),
      refusal: () => this.#admission?.refusal,
      onAimed: ({ mode }) => this.#admission?.applyOptions(admissionOptions(this.#options, mode)),
      carryOut: (why, before) => this.#carryOut(why, before),
    });
    this.#reach = new Reach({
      planInput: () => this.#planInput(),
      limitsTo: (shape) => this.#switching.limitsTo(shape),
      budget: () => this.#budget,
    });
    this.#byHand = new BackendControl({
      roster: this.#roster,
      waiters: this.#waiters,
      news: this.#news,
      reach: this.#reach,
      target: () => this.#switching.target,
      shape: () => this.#shape(),
      refusal: () => this.#admission?.refusal,
      turn: (why, before) => this.#turn(why, before),
    });
    this.#priorities = new WorkerPriorities(() => this.#options.modes, {
      runtime,
      onRefused: (id, evidence) => this.#announcePriorityRefused(id, evidence),
      onWeightless: (evidence) => this.#announceWeightless(evidence),
    });
    this.#rehearsals = new Rehearsals({
      clock,
      workers: () => this.#workers,
      everyMs: () => this.#options.rehearseEveryMs,
      mayWake: () => this.#mayWakeForRehearsal(),
    });
    this.#orphans = new Orphans({
      runtime,
      clock,
      hurry,
      traffic,
      stop: () => this.#options.stop,
      onEnding: (orphan) => this.#news.announceOrphan(orphan, 'does not fit and is ended'),
      onSettled: (orphan, outcome) => this.#onOrphanSettled(orphan, outcome),
    });
    const { stateFile: file } = deps;
    if (file !== undefined) this.#memory = new PoolMemory({ file, clock, log, pool: () => this.#remembered() });
  }

  get #held(): boolean {
    return this.#tenure !== 'ours';
  }

  get #workers(): readonly Worker[] {
    return this.#roster.workers;
  }

  /**
   * Brings up the initial mode; resolves once it stands. Or, where an earlier Understudy left its workers, goes on in the
   * mode that they were in; resolves as soon as they are in traffic, while what does not fit is still being ended.
   * @throws UnderstudyError (operator) when a worker can't be started; the signal's reason. Nothing is left running then.
   */
  async start({ signal, adoptOnly = false }: StartOptions = {}): Promise<void> {
    // Before `#began`: a start that was given up this early leaves the state file for the next one.
    this.#requireRunning();
    signal?.throwIfAborted();
    const shape = shapeOf(this.#options, this.#options.initialMode);
    this.#reach.require(shape, `start in ${shape.mode}`);
    this.#began = true;
    this.#tenure = adoptOnly ? 'adopting' : 'held';
    if (this.#options.backends.some(isManaged)) this.#runtime.open();
    try {
      const resumed = this.#inherit({ adoptOnly });
      if (adoptOnly) {
        if (!resumed) throw operatorError('nothing-to-adopt', 'There are no workers to take over.');
        return;
      }
      if (resumed) return this.#goOn('the workers of an earlier Understudy were taken over');
      // Waited for: nobody is served yet anyway, and the orphans may hold memory that our workers need.
      await this.#orphans.end();
      this.#requireRunning();
      signal?.throwIfAborted();
      this.#tenure = 'ours';
      await this.#switching.changeTo(shape, { signal, cause: askedFor(shape.mode) });
      this.#rehearsals.start();
    } catch (error) {
      await this.stop({});
      throw error;
    }
  }

  /**
   * After a start with `adoptOnly`, once the other Understudy has let go: from here on the workers are ours, and what does
   * not fit is ended.
   * @throws UnderstudyError (operator) `pool-stopping` when it was stopped or released meanwhile.
   */
  takeCharge(): void {
    this.#requireRunning();
    this.#goOn('the workers were left to this Understudy');
  }

  /**
   * Resolves once the pool has converged on the mode. On failure or abort everything new is stopped again first.
   * @throws UnderstudyError (operator) `unknown-mode`, `not-reachable`, `switch-rolled-back`, `switch-superseded`.
   */
  async setMode(name: string, { signal }: WaitOptions = {}): Promise<SwitchReport> {
    shapeOf(this.#options, name);
    // A change of the options is let finish first; a mere switch is superseded in this turn of the event loop.
    if (this.#switching.isUndoable) await this.#switching.waitTurn(name, signal);
    signal?.throwIfAborted();
    this.#requireRunning();
    const to = shapeOf(this.#options, name);
    this.#reach.require(to, `switch to ${name}`);
    this.#byHand.forget();
    return this.#switching.changeTo(to, { signal, cause: askedFor(name) });
  }

  /**
   * Other options while traffic flows: what they don't concern is left alone, other workers are drained and replaced.
   * Resolves once the pool stands as they say. On failure or abort everything is as it was before.
   * @throws UnderstudyError (operator) `unknown-mode` when they lack the present mode, `not-reachable`,
   * `switch-rolled-back`.
   */
  async applyOptions(options: PoolOptions, { signal }: WaitOptions = {}): Promise<PoolChange> {
    await this.#switching.waitSettled(signal);
    signal?.throwIfAborted();
    this.#requireRunning();
    const before = this.#options;
    const to = shapeOf(options, this.#switching.target.mode);
    const { wishes } = this.#byHand;
    const undo = () => {
      this.#useOptions(before);
      this.#byHand.restore(wishes);
    };
    this.#useOptions(options);
    try {
      this.#reach.require(to, 'change the pool');
      this.#byHand.recheck(to);
    } catch (error) {
      undo();
      throw error;
    }
    await this.#switching.changeTo(to, { signal, cause: 'the options have changed', undo });
    return comparePools(before, options);
  }

  get backendNames(): readonly string[] {
    return this.#roster.backends.map(({ name }) => name);
  }

  /** The mode that the pool has, or is on its way to. */
  get targetMode(): string {
    return this.#switching.target.mode;
  }

  /** @throws UnderstudyError (operator) `unknown-mode`, naming those that exist. */
  requireMode(name: string): void {
    modeNamed(this.#options, name);
  }

  /** What `setMode` would do, if every step succeeds. Touches nothing. */
  planMode(name: string): SwitchPlan {
    const shape = shapeOf(this.#options, name);
    const forecast = this.#reach.forecast(shape);
    const { floor } = this.#switching.limitsTo(shape);
    return { ...forecast, from: this.#switching.standing?.mode, to: name, floor, budget: this.#budget };
  }

  /**
   * Puts a backend into traffic until the mode changes. Resolves once it serves.
   * @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`, `wish-withdrawn`, `no-headroom`.
   */
  async promote(backend: string): Promise<void> {
    this.#requireRunning();
    await this.#byHand.promote(backend);
  }

  /**
   * Takes a backend out of traffic, running, until the mode changes. Resolves once nothing of it is in flight.
   * @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`, `wish-withdrawn`.
   */
  async drain(backend: string): Promise<void> {
    this.#requireRunning();
    await this.#byHand.drain(backend);
  }

  /**
   * Replaces each process of a backend, or of all, one at a time. Also forgives a crash loop.
   * @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`, `no-headroom`.
   */
  async restart(backend: string | undefined): Promise<void> {
    this.#requireRunning();
    await this.#byHand.restart(backend);
  }

  /** Weighs what traffic saw, in this turn: a promotion it calls for is done when this returns. */
  reportIncident(incident: UpstreamIncident): void {
    this.#roster.find(incident.id)?.onIncident(incident);
  }

  view(): PoolView {
    const nowMs = this.#clock.now();
    const workers = this.#observe();
    return viewPool({
      backends: this.#roster.backends,
      workers: this.#workers,
      target: this.#shape(),
      standing: this.#switching.standing?.mode,
      converged: !this.#switching.isUnderWay && isConverged({ shape: this.#shape(), workers }),
      budget: this.#budget,
      running: countRunning(workers),
      failback: this.#steadiness.view(nowMs),
      pressure: this.#pressure.view,
      nowMs,
      byHand: new Set(this.#byHand.wishes.keys()),
      promotionOf: (backend) => this.#promotions.of(backend),
      tiersOf: (backend) => this.#tiers.of(backend),
    });
  }

  /** To be told before the start. Without it nothing is known of the machine, and memory limits no start. */
  watchResources(source: ResourceSource): void {
    const rule = 'no worker is started without room for its peak';
    const desk = new AdmissionDesk(admissionOptions(this.#options, this.#switching.target.mode), {
      clock: this.#clock,
      latest: () => source.latest,
      refresh: () => source.refresh(),
      onRefreshed: () => desk.holding && this.#turn({ cause: 'the resources were looked at again' }),
      availableBytes: readAvailableBytes,
      isGroupAlive,
      teaches: (id) => this.#roster.find(id)?.fresh ?? false,
      onHeld: (evidence) => this.#news.announce({ kind: 'resources', cause: 'starts wait for memory', evidence, rule }),
    });
    source.on('sampled', (reading) => {
      desk.noteSample(reading);
      const step = this.#pressure.weigh(reading, this.#shape());
      if (step !== undefined) this.#news.announce({ kind: 'pressure', ...step });
      if (step !== undefined || desk.holding) this.#turn(step ?? { cause: 'the resources were looked at again' });
    });
    this.#resources = source;
    this.#admission = desk;
  }

  /** The processes that are ours, for whoever measures them. */
  processRoots(): { readonly id: string; readonly pid: number }[] {
    return this.#workers.flatMap(({ id, pid }) => (pid === undefined ? [] : [{ id, pid }]));
  }

  /** For programs of a moment, of whoever else needs some. */
  get run(): RunProgram {
    return this.#runtime.run;
  }

  /**
   * Drains and stops everything. Resolves once no process is left; never rejects. Idempotent: whoever calls again waits
   * for the same end. Aborting the `hurry` of any call cuts all waits. Workers that were left to another Understudy, or
   * that another one has yet to leave to us, are only released.
   */
  stop({ hurry }: { readonly hurry?: AbortSignal }): Promise<void> {
    if (this.#tenure === 'left' || this.#tenure === 'adopting') {
      this.release();
      return Promise.resolve();
    }
    abortWith(this.#hurry, hurry);
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /**
   * Waits until what is under way has settled. From then on no step is taken and nobody is signalled or ended, so that
   * another Understudy can try to take over.
   * @throws the signal's reason: `resume` then.
   */
  async hold({ signal }: WaitOptions = {}): Promise<void> {
    this.#rehearsals.stop();
    // A standby that was continued for a rehearsal must be frozen again: the other Understudy adopts it as it is.
    await unlessAborted(this.#rehearsals.waitIdle(), signal);
    await unlessAborted(this.#orphans.waitIdle(), signal);
    await this.#waitStill(signal);
    this.#requireRunning();
    this.#memory?.writeAnew();
    if (this.#tenure === 'ours') this.#tenure = 'held';
    this.#wake?.cancel();
  }

  /** The other Understudy failed to take over: we go on, and see to what has happened meanwhile. */
  resume(): void {
    this.#goOn('another Understudy did not take over');
  }

  /** Leaves the workers as they are, for another Understudy to adopt: from here on no step is taken. */
  release(): void {
    this.#memory?.writeDown();
    this.#tenure = 'left';
    this.#wake?.cancel();
    this.#rehearsals.stop();
    for (const worker of this.#workers) worker.launched?.process.release();
    this.#runtime.close();
  }

  async #stopAll(): Promise<void> {
    this.#stopping = true;
    this.#tenure = 'ours';
    this.#wake?.cancel();
    this.#rehearsals.stop();
    this.#switching.abandon();
    this.#waiters.failAll(operatorError('pool-stopping', 'The pool is stopping.'));
    const why = { cause: 'the pool is stopping' };
    this.#turn(why);
    const isGone = ({ state }: Worker) => state.kind === 'off' || state.kind === 'failed';
    await this.#waiters.waitUntil(() => (this.#workers.every(isGone) ? done : waiting));
    // A launch that was given up has yet to end its process.
    await this.#roster.launchesIdle;
    await this.#orphans.waitIdle();
    await this.#runtime.remainsGone();
    this.#runtime.close();
    this.#memory?.close({ erase: this.#began });
  }

  #remembered(): RememberedPool | undefined {
    if (this.#held) return undefined;
    const { standing, target } = this.#switching;
    // During a switch the wishes belong to the new mode: they must not be restored over the one that still stands.
    const wishes = standing?.mode === target.mode ? this.#byHand.wishes : NO_WISHES;
    return { mode: standing?.mode, wishes, workers: this.#workers };
  }

  /** Adopts what an earlier Understudy left. Returns whether the pool goes on with it. Takes no step, and ends nobody. */
  #inherit({ adoptOnly }: { readonly adoptOnly: boolean }): boolean {
    const left = this.#memory?.read();
    if (left === undefined) return false;
    if (left.refused !== undefined) {
      this.#log.warn({}, left.refused);
      this.#news.announce({ kind: 'inheritance', cause: left.refused });
    }
    const deps = { roster: this.#roster, options: this.#options, runtime: this.#runtime };
    const { workers, orphans } = takeOver(left, deps);
    this.#orphans.note(orphans);
    // Who is known by marks alone has to prove itself, but may serve: whatever fails beside it must not end it as a first start would.
    const isLost = left.pool === undefined && !adoptOnly;
    const mode = isLost ? this.#options.initialMode : (left.pool?.mode ?? '');
    const useful = workers.some(({ state }) => isLost || state.kind === 'active' || state.kind === 'standby');
    // With nothing but unmanaged backends there are no workers to take over, and none are missing.
    const needsNone = adoptOnly && !this.#options.backends.some(isManaged);
    const resumed = (useful || needsNone) && Object.hasOwn(this.#options.modes, mode);
    if (!resumed) return false;
    this.#switching.resumeIn(shapeOf(this.#options, mode));
    this.#byHand.restore(new Map(Object.entries(left.pool?.wishes ?? {})));
    this.#byHand.keepOnly(this.#options.backends);
    // The config may be another one by now.
    this.#byHand.recheck(this.#switching.target);
    return true;
  }

  #onOrphanSettled(orphan: Orphan, outcome: 'ended' | 'left'): void {
    if (outcome === 'left') this.#news.announceOrphan(orphan, 'can not be ended and is left alone');
    this.#turn({ cause: `process ${orphan.pid}, left by an earlier Understudy, is in nobody's way any more` });
  }

  #goOn(cause: string): void {
    this.#tenure = 'ours';
    for (const worker of this.#workers) worker.judgeAfresh();
    this.#memory?.invalidate();
    this.#rehearsals.start();
    this.#carryOut({ cause });
    // Not waited for: there may be one that nobody can end.
    void this.#orphans.end();
  }

  #listenTo(worker: Worker): void {
    worker.on('moved', (move) => this.#onMoved(move));
    worker.on('judged', (why) => this.#onJudged(worker, why));
    worker.on('proved', () => this.#onProved(worker));
    worker.on('timed', (temperature, ms) => {
      this.#tiers.note(worker.backend.name, temperature, { ms, at: this.#clock.epochNow() });
      if (temperature !== 'cold') this.#news.announceRehearsed(worker, temperature, ms);
    });
  }

  #onMoved(move: WorkerMove): void {
    const { worker, from, to, cause, evidence, rule } = move;
    const lost = to.kind === 'failed' || (to.kind === 'stopping' && to.failure !== undefined);
    if (from.kind === 'active' && lost) this.#steadiness.noteLoss();
    const standsIn = from.kind === 'standby' || worker.calledAtMs !== undefined;
    if (to.kind === 'active' && standsIn) this.#promotions.notePromoted(worker, worker.calledAtMs);
    const ended = to.kind === 'off' || to.kind === 'failed' ? processOf(from)?.pid : undefined;
    if (ended !== undefined) this.#admission?.noteEnded(ended);
    else if (to.kind === 'active' || to.kind === 'standby') this.#admission?.noteSettled();
    const temperature = temperatureOf(to);
    this.#news.note({ kind: 'worker', from: from.kind, to: to.kind, temperature, cause, evidence, rule }, worker);
    this.#turn({ cause: `${worker.id}: ${cause}`, ...(evidence === undefined ? {} : { evidence }) });
    if (this.#options.modes[this.#switching.target.mode]?.pushOut === true) {
      const onDone = (about: Worker, why: Why) => this.#news.announce({ kind: 'resources', ...why }, about);
      void pushOut(move, { runtime: this.#runtime, onDone });
    }
  }

  #onJudged(worker: Worker, why: Why): void {
    if (worker.state.kind === 'active' && !worker.usable) this.#steadiness.noteLoss();
    this.#news.note({ kind: 'health', ...why }, worker);
    this.#turn({ ...why, cause: `${worker.id}: ${why.cause}` });
  }

  #onProved(worker: Worker): void {
    const provenMs = this.#promotions.noteProved(worker);
    if (provenMs !== undefined) this.#news.announceProved(worker, provenMs);
  }

  /**
   * One turn. Called from within a turn (by the move of a step), it only asks for another round. `before` may change several
   * workers: they are planned for together, once it has returned.
   */
  #turn(why: Why, before?: () => void): void {
    this.#turnAgain = true;
    if (this.#turning) return before?.();
    this.#turning = true;
    const seenAtMs = this.#clock.now();
    before?.();
    for (let round = 0; this.#turnAgain; round++) {
      this.#turnAgain = false;
      if (round === MAX_ROUNDS) {
        this.#log.error({ cause: why.cause }, 'the plan does not come to an end; waiting for the next event');
        break;
      }
      this.#round(why, seenAtMs);
    }
    this.#turning = false;
    this.#news.tell();
    this.#roster.dropGone();
    this.#priorities.ensure(this.#switching.target.mode, this.#roster.processes);
    this.#setWake();
    this.#waiters.checkAll();
    this.#memory?.noteChanged(this.#switching.standing?.mode);
    this.emit('change');
  }

  #round(why: Why, seenAtMs: number): void {
    if (this.#stopping) for (const worker of this.#workers) stopWorker(worker, why);
    else if (!this.#held) this.#takeSteps(this.#planInput(), why);
    // In every round: promotions have a round of their own, and are routed before anything slower is done.
    if (this.#publisher.publish(this.#workers)) {
      for (const { worker, routedMs } of this.#promotions.noteRouted(seenAtMs))
        this.#news.announceRouted(worker, routedMs, why);
    }
    this.#news.tell();
    if (this.#stopping || this.#held) return;
    this.#noteCompleteness();
    this.#switching.settle();
  }

  #takeSteps(input: PlanInput, why: Why): void {
    const steps = planSteps(input);
    for (const step of steps) this.#take(step, why);
    this.#admission?.noteHeld(wantsStart(input) && input.admission?.starts === 0);
  }

  #take(step: Step, why: Why): void {
    this.#switching.noteStep(step);
    const worker = this.#roster.find(step.id)!;
    if (step.kind === 'start') {
      if (forksItself(this.#options.command)) worker.forks = this.#switching.target.forks;
      worker.modeEnv = this.#options.modes[this.#switching.target.mode]?.env ?? {};
    }
    try {
      takeStep(worker, step, why);
    } catch (error) {
      // One worker's trouble (a signal that may not be sent, say) must not keep the others from their steps.
      this.#log.error({ worker: step.id, step: step.kind, error: errorMessage(error) }, 'a step failed');
    }
  }

  #planInput(): PlanInput {
    this.#plannedAtMs = this.#clock.now();
    let admission: Admission | undefined;
    const workers = this.#observe();
    const { floor, promised } = this.#switching.limitsTo(this.#switching.target);
    const paused = countServing(workers) < floor ? undefined : this.#pressure.pausedBecause;
    const judge = () => this.#admission?.judge(this.#workers.filter(isBeingStarted), paused);
    return {
      shape: this.#shape(),
      workers,
      budget: this.#budget,
      floor,
      promised,
      steady: this.#steadiness.isSteady(this.#plannedAtMs),
      // Read when it is asked for: a plan that starts nothing must not wait for facts about memory.
      get admission() {
        return (admission ??= judge());
      },
    };
  }

  #mayWakeForRehearsal(): boolean {
    if (this.#switching.isUnderWay || this.#stopping) return false;
    return (this.#planInput().admission?.starts ?? Infinity) > 0;
  }

  #shape(): Shape {
    return this.#pressure.apply(withOperatorWishes(this.#switching.target, this.#byHand.wishes));
  }

  #observe(): ObservedWorker[] {
    return this.#roster.observe({ nowMs: this.#clock.now(), isBlocked: (worker) => this.#orphans.blocks(worker) });
  }

  #noteCompleteness(): void {
    const shape = this.#shape();
    const missing = this.#observe().some((worker) => roleIn(shape, worker.id) === 'active' && !isServing(worker));
    if (!missing) this.#steadiness.noteComplete(this.#clock.now());
  }

  /** For what no event tells of: a backoff ends, a killed process should be gone by now, the pool becomes steady. */
  #setWake(): void {
    this.#wake?.cancel();
    if (this.#stopping || this.#held) return;
    const retries = this.#workers.flatMap(({ state }) => (state.kind === 'failed' ? (state.retryAtMs ?? []) : []));
    const looks = this.#admission?.holdsForLeaving === true ? [this.#plannedAtMs + LOOK_AGAIN_MS] : [];
    const steadyAtMs = this.#steadiness.steadyAtMs ?? -Infinity;
    const times = [...retries, ...looks, steadyAtMs].filter((time) => time > this.#plannedAtMs);
    if (times.length === 0) return;
    const delayMs = Math.max(0, Math.min(...times) - this.#clock.now());
    const why = { cause: 'a time that was waited for has come' };
    this.#wake = this.#clock.startTimer(Math.ceil(delayMs), () => this.#turn(why), { unref: true });
  }

  #useOptions(options: PoolOptions): void {
    this.#options = options;
    this.#budget = budgetOf(options);
    this.#admission?.applyOptions(admissionOptions(options, this.#switching.target.mode));
    this.#byHand.keepOnly(options.backends);
    this.#roster.apply(options);
    this.#rehearsals.restart();
  }

  /**
   * Resolves once no switch is under way, no process is being launched (another Understudy could not know of it) and none is
   * falling asleep or waking (nobody could tell its state).
   */
  async #waitStill(signal: AbortSignal | undefined): Promise<void> {
    const isMoving = ({ launching, changing }: Worker) => launching || changing;
    const isStill = () => !this.#switching.isUnderWay && !this.#workers.some(isMoving);
    do {
      await this.#waiters.waitUntil(() => (isStill() ? done : waiting), signal);
      // A launch that was given up has yet to end its process.
      await unlessAborted(this.#roster.launchesIdle, signal);
    } while (!isStill());
  }

  /** A server that forks by itself must be restarted for another number of processes. */
  #carryOut(why: Why, before?: () => void): void {
    const forking = forksItself(this.#options.command);
    const { forks } = this.#switching.target;
    for (const worker of this.#workers) worker.noteForksWanted(forking ? forks : worker.forks);
    this.#turn(why, before);
  }

  #requireRunning(): void {
    if (this.#stopping) throw operatorError('pool-stopping', 'The pool is stopping.');
    if (this.#tenure === 'left') throw operatorError('pool-stopping', 'The pool was left to another Understudy.');
  }

  #announcePriorityRefused(id: string, evidence: string): void {
    const cause = `it could not be given the priority of mode ${this.#switching.target.mode}`;
    this.#news.announce({ kind: 'resources', cause, evidence }, this.#roster.find(id));
  }

  #announceWeightless(evidence: string): void {
    const cause = 'weight and pushOut have no effect here';
    this.#log.warn({ evidence }, cause);
    this.#news.announce({ kind: 'resources', cause, evidence });
  }
}

export function createPoolManager(options: PoolOptions, deps: PoolDeps): PoolManager {
  return new PoolManager(options, deps);
}

function admissionOptions({ memory, modes, stateDir, command }: PoolOptions, mode: string) {
  const { expected = {}, allowed = {} } = memory ?? {};
  return { expected, allowed: { ...allowed, ...modes[mode]?.allowed }, stateDir, command };
}

function askedFor(mode: string): string {
  return `the mode ${mode} was asked for`;
}

function isBeingStarted({ managed, state }: Worker): boolean {
  return managed && state.kind === 'starting';
}

function stopWorker(worker: Worker, why: Why): void {
  const { kind } = worker.state;
  if (kind === 'active') worker.drain('off', why);
  else if (kind === 'starting' || kind === 'standby') worker.stop(why);
  else if (kind === 'failed') worker.forget(why);
}
