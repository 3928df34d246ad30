// What the operator asks of single backends: promote, drain, restart. The first two are wishes that are laid over the
// mode's shape and last until the mode changes. Each promise here settles once the pool has followed.
import { errorMessage, operatorError, unknownName, type UnderstudyError } from '../src/core/errors.js';
import { runs, type Shape, type Wish } from './modes.js';
import type { News } from './news.js';
import { NO_WISHES, withOperatorWishes, type OperatorWishes, type WishedRole } from './operator-wishes.js';
import { wishOf } from './plan-input.js';
import type { Reach } from './reach.js';
import type { Roster } from './roster.js';
import { done, waiting, type Progress, type Waiters } from './waiters.js';
import type { Why } from './why.js';
import type { Worker } from './worker.js';

export interface BackendControlDeps {
  readonly roster: Roster;
  readonly waiters: Waiters;
  readonly news: News;
  readonly reach: Reach;
  /** The shape of the mode that the pool has, or is on its way to. */
  readonly target: () => Shape;
  /** The target with wishes and memory pressure laid over it. */
  readonly shape: () => Shape;
  /** Why no worker may be started, if that is for long. */
  readonly refusal: () => string | undefined;
  /** `before` may change several workers; they are planned for together. */
  readonly turn: (why: Why, before?: () => void) => void;
}

/** What was asked of the workers, and how to see that a worker has done it. */
interface Follow {
  readonly action: 'promote' | 'restart';
  readonly isThere: (worker: Worker) => boolean;
  /** Failures that the request forgives: they do not fail it. */
  readonly forgiven?: readonly UnderstudyError[];
}

const VERBS = { active: 'promote', standby: 'drain' } as const;

export class BackendControl {
  readonly #deps: BackendControlDeps;
  #wishes = NO_WISHES;

  constructor(deps: BackendControlDeps) {
    this.#deps = deps;
  }

  /** Those in force, by backend. */
  get wishes(): OperatorWishes {
    return this.#wishes;
  }

  forget(): void {
    this.#wishes = NO_WISHES;
  }

  /** These wishes hold again, except where a newer one has replaced them. */
  restore(wishes: OperatorWishes): void {
    this.#wishes = new Map([...wishes, ...this.#wishes]);
  }

  /** Drops the wishes for backends that no longer exist. */
  keepOnly(backends: readonly { readonly name: string }[]): void {
    const known = new Set(backends.map(({ name }) => name));
    this.#wishes = new Map([...this.#wishes].filter(([backend]) => known.has(backend)));
  }

  /**
   * For wishes that were asked for under other options: those that would be refused now are forgotten, and told of.
   * @param target the mode's own shape, by the options of now.
   */
  recheck(target: Shape): void {
    const wishes = [...this.#wishes];
    this.#wishes = NO_WISHES;
    for (const role of ['active', 'standby'] as const) {
      // Who goes into traffic comes first: it may take the place of who leaves it.
      for (const [backend] of wishes.filter(([, wished]) => wished === role)) this.#tryKeep(backend, role, target);
    }
  }

  #tryKeep(backend: string, role: WishedRole, target: Shape): void {
    try {
      this.#wishes = this.#wishesWith(backend, role, target);
    } catch (error) {
      const cause = `the operator asked to ${VERBS[role]} ${backend}, which holds no longer`;
      this.#deps.news.announce({ kind: 'request', backend, cause, evidence: errorMessage(error) });
    }
  }

  /**
   * @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`, `wish-withdrawn`, `no-headroom`; a worker's own
   * that can't be started.
   */
  async promote(backend: string): Promise<void> {
    this.#wish(backend, 'active');
    const isThere = (worker: Worker) => worker.serving;
    const progress = () => this.#progressOf(this.#deps.roster.of(backend), { action: 'promote', isThere });
    await this.#deps.waiters.waitUntil(() => this.#unlessWithdrawn(backend, 'active', progress()));
  }

  /** @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`, `wish-withdrawn`. */
  async drain(backend: string): Promise<void> {
    this.#wish(backend, 'standby');
    const rests = ({ state }: Worker) => state.kind !== 'active' && state.kind !== 'draining';
    const progress = () => (this.#deps.roster.of(backend).every(rests) ? done : waiting);
    await this.#deps.waiters.waitUntil(() => this.#unlessWithdrawn(backend, 'standby', progress()));
  }

  /**
   * @throws UnderstudyError (operator) `unknown-backend`, `not-restartable`, `not-reachable`, `no-headroom`; a worker's own
   * that can't be started.
   */
  async restart(backend: string | undefined): Promise<void> {
    const { roster, reach, waiters, turn } = this.#deps;
    if (backend !== undefined) this.#require(backend);
    const current = () =>
      (backend === undefined ? roster.workers : roster.of(backend)).filter(({ managed }) => managed);
    const workers = current();
    if (workers.length === 0) throw notRestartable(backend ?? 'the workers');
    const why = { cause: 'the operator asked for a restart' };
    const replaced = workers.filter((worker) => worker.pid !== undefined);
    reach.require(this.#deps.shape(), `restart ${backend ?? 'the workers'}`, replaced);
    const forgiven = workers.flatMap(({ state }) => (state.kind === 'failed' ? [state.error] : []));
    turn(why, () => {
      for (const worker of workers) worker.pardon();
      for (const worker of replaced) worker.markOutdated(why);
    });
    const isThere = (worker: Worker) => !worker.outdated && isAtRest(worker);
    await waiters.waitUntil(() => this.#progressOf(current(), { action: 'restart', isThere, forgiven }));
  }

  #wish(backend: string, role: WishedRole): void {
    const { news, target, turn } = this.#deps;
    this.#wishes = this.#wishesWith(backend, role, target());
    const why = { cause: `the operator asked to ${VERBS[role]} ${backend}` };
    news.announce({ kind: 'request', backend, ...why });
    turn(why);
  }

  /** @throws UnderstudyError (operator) `unknown-backend`, `not-reachable`. */
  #wishesWith(backend: string, role: WishedRole, target: Shape): OperatorWishes {
    const { reach } = this.#deps;
    const ids = this.#require(backend).map(({ id }) => id);
    const wishes = new Map(this.#wishes).set(backend, role);
    const shape = withOperatorWishes(target, wishes);
    reach.require(shape, `${VERBS[role]} ${backend}`);
    if (role === 'standby') reach.requireReplaceable(backend, shape, ids);
    return wishes;
  }

  /** The operator may think better of it, or change the mode, before it has come about. */
  #unlessWithdrawn(backend: string, role: WishedRole, progress: Progress): Progress {
    if (progress.kind !== 'waiting' || this.#wishes.get(backend) === role) return progress;
    const participle = role === 'active' ? 'promoted' : 'drained';
    const message = `${backend} is not ${participle}: something else was asked for meanwhile.`;
    return { kind: 'failed', error: operatorError('wish-withdrawn', message) };
  }

  /**
   * Looks only at workers that the shape wants to run. One that is off, or failed before it was forgiven, waits for its next
   * start, unless starts are refused for long. That fails the promise but takes nothing back: it is started once there is room.
   */
  #progressOf(workers: readonly Worker[], { action, isThere, forgiven = [] }: Follow): Progress {
    const shape = this.#deps.shape();
    const wanted = workers.filter((worker) => isWanted(worker, wishOf(shape, worker)));
    for (const { id, state } of wanted) {
      if (state.kind !== 'off' && state.kind !== 'failed') continue;
      if (state.kind === 'failed' && !forgiven.includes(state.error)) return { kind: 'failed', error: state.error };
      const refusal = this.#deps.refusal();
      if (refusal === undefined) continue;
      return { kind: 'failed', error: operatorError('no-headroom', `Cannot ${action} ${id}: ${refusal}.`) };
    }
    return wanted.every(isThere) ? done : waiting;
  }

  #require(backend: string): readonly Worker[] {
    const { roster } = this.#deps;
    const workers = roster.of(backend);
    if (workers.length > 0) return workers;
    const known = roster.backends.map(({ name }) => name);
    throw unknownName('backend', backend, known);
  }
}

function notRestartable(what: string): UnderstudyError {
  return operatorError('not-restartable', `Cannot restart ${what}: somebody else runs what is behind the URL.`);
}

/** A cold standby counts only while it has a process: it stands in for lost workers then, and is replaced like any other. */
function isWanted({ state }: Worker, wish: Wish): boolean {
  return runs(wish) || (wish.role === 'standby' && state.kind !== 'off');
}

function isAtRest(worker: Worker): boolean {
  return worker.serving || worker.state.kind === 'standby';
}
