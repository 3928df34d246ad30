// The health of one process, from its launch to its end: probes it, weighs what traffic and the kernel say, and tells
// when it has become ready, useless or hopeless. One object a process, so that no news can reach its successor.
import type { Clock, Timer } from '../src/core/clock.js';
import type { UpstreamAddress, UpstreamTraffic } from '../src/core/traffic-port.js';
import {
  describeAnnouncement,
  isSameAnnouncement,
  isWilling,
  nothingAnnounced,
  type Announcement,
} from './announcement.js';
import type { PoolOptions } from './options.js';
import { ProbeLoop } from './probe-loop.js';
import {
  describeProbe,
  judgeProbe,
  probePauseMs,
  provenBefore,
  unproven,
  type Health,
  type HealthVerdict,
} from './readiness.js';
import { HangWatch } from './hang-watch.js';
import type { Why } from './why.js';
import { WorkSigns } from './work-signs.js';
import type { ProbeResult, WorkerProcess, WorkerRuntime } from './worker-runtime.js';

export interface WorkerHealthOptions {
  readonly process: WorkerProcess;
  readonly address: UpstreamAddress;
  /** It had proved itself to an earlier Understudy. */
  readonly proven: boolean;
  /** Asked at every use: the options may change meanwhile. */
  readonly pool: () => PoolOptions;
  readonly clock: Clock;
  readonly runtime: WorkerRuntime;
  readonly traffic: () => UpstreamTraffic | undefined;
  readonly usesBusyGpu: () => boolean;
}

export interface WorkerHealthListener {
  /** The verdict, or the breaker, is another than before. */
  onChanged(why: Why): void;
  /** A probe passed. */
  onPassed(): void;
  /** Silent and idle: nothing but a new process will help. */
  onWedged(evidence: string): void;
  /** Not ready, and no progress towards it for so long. */
  onStuck(idleMs: number): void;
}

/** Meanwhile the standby takes CPU and memory from whoever the mode is for. */
const LONGEST_REHEARSAL_MS = 60_000;

export class WorkerHealth {
  readonly #options: WorkerHealthOptions;
  readonly #listener: WorkerHealthListener;
  #signs: WorkSigns;
  #hangs: HangWatch;
  #health: Health;
  #breakerSeen: UpstreamTraffic['breaker'] = 'closed';
  #announced = nothingAnnounced;
  /** Said in an answer to a client; no health answer takes it back. */
  #wantsDrain = false;
  #probes: ProbeLoop | undefined;
  #watch: Timer | undefined;

  constructor(options: WorkerHealthOptions, listener: WorkerHealthListener) {
    this.#options = options;
    this.#listener = listener;
    this.#health = options.proven ? provenBefore : unproven;
    this.#signs = createSigns(options);
    this.#hangs = createHangWatch(options);
  }

  get verdict(): HealthVerdict {
    return this.#health.verdict;
  }

  /** What the last probe said, in words. */
  get evidence(): string {
    return this.#health.evidence;
  }

  /** What the app itself said: with its last passed probe, and for good in an answer to a client. */
  get announced(): Announcement {
    return this.#wantsDrain ? { ...this.#announced, drain: true } : this.#announced;
  }

  /** Answers its probes and takes requests by its own word. */
  get willing(): boolean {
    return this.#health.verdict !== 'down' && isWilling(this.announced);
  }

  /**
   * Requests may be sent, as far as anybody knows. Traffic is asked for the breaker's state each time: a copy kept here
   * would outlive it. Half-open counts as well: without requests the breaker would stay half-open for ever.
   */
  get well(): boolean {
    return this.willing && this.#breaker() !== 'open';
  }

  /** Probes from now on, until paused. Idempotent. */
  resume(): void {
    if (this.#probes !== undefined) return;
    this.#probes = new ProbeLoop({
      clock: this.#options.clock,
      probe: (signal) => this.#probe(signal),
      onResult: (result) => this.#onResult(result),
    });
    this.#probes.probeNow();
    this.#watchSoon();
  }

  /** While its process is stopped, or ending. Idempotent. */
  pause(): void {
    this.#probes?.stop();
    this.#probes = undefined;
    this.#watch?.cancel();
  }

  probeNow(): void {
    this.#probes?.probeNow();
  }

  /** Keeps the verdict, since traffic goes by it, but forgets the failures and the silence that led to it. */
  judgeAfresh(): void {
    this.#health = { ...this.#health, fails: 0 };
    this.#signs = createSigns(this.#options);
    this.#hangs = createHangWatch(this.#options);
  }

  /**
   * For a rehearsal, while the regular probes are paused: probes until one passes, one fails outright, or `fall` have timed out.
   * Busy is not dead: a process that works (its memory is still being brought back, say) gets more tries for a while. A pass
   * counts for the verdict, a failure is the caller's to judge, and after an abort nothing is known.
   */
  async rehearse(signal: AbortSignal): Promise<ProbeResult> {
    const { clock, pool } = this.#options;
    const { health } = pool();
    const untilMs = clock.now() + LONGEST_REHEARSAL_MS;
    this.#signs = createSigns(this.#options);
    const mayTryAgain = (tries: number) => tries < health.fall || (this.#signs.isWorking() && clock.now() < untilMs);
    for (let tries = 1; ; tries++) {
      const result = await this.#probe(signal);
      if (result.kind === 'passed') this.#onResult(result);
      else if (signal.aborted) return { kind: 'unknown', reason: 'given up' };
      if (result.kind !== 'timeout' || !mayTryAgain(tries)) return result;
    }
  }

  /** Traffic was refused a connection: as good as a refused probe. */
  noteRefused(): void {
    this.#judge({ kind: 'refused' });
    this.#listener.onChanged({ cause: 'traffic was refused a connection' });
    this.probeNow();
  }

  /** It gets no new requests from here on, until another process takes its place. */
  noteAnnouncedDrain(): void {
    if (this.#wantsDrain) return;
    this.#wantsDrain = true;
    this.#listener.onChanged({
      cause: 'an answer of its app announces a drain',
      evidence: describeAnnouncement(this.announced),
    });
  }

  noteBreaker(state: 'open' | 'closed'): void {
    this.#tellOfBreaker(state);
    this.probeNow();
  }

  async #probe(signal: AbortSignal): Promise<ProbeResult> {
    const { runtime, address, pool, clock } = this.#options;
    const { health } = pool();
    // Only when the answer is late: a look at the process costs more than the probe.
    const late = clock.startTimer(health.timeoutMs / 2, () => this.#signs.noteSilence(), { unref: true });
    try {
      return await runtime.probe(address, { ...health, signal });
    } finally {
      late.cancel();
    }
  }

  #onResult(result: ProbeResult): number {
    const before = this.verdict;
    this.#judge(result);
    if (result.kind === 'passed') this.#onPassed(result.announced ?? nothingAnnounced);
    if (this.verdict === 'unproven') this.#checkProgress(result);
    else if (this.verdict === 'down') this.#checkSilence(result);
    const { verdict, evidence } = this;
    if (verdict !== before) {
      this.#listener.onChanged({ cause: `its health went from ${before} to ${verdict}`, evidence: `it ${evidence}` });
    }
    // No incident tells of a breaker that becomes half-open, or that is closed because its upstream left and came back.
    const breaker = this.#breaker();
    if (breaker !== this.#breakerSeen) this.#tellOfBreaker(breaker);
    return probePauseMs(this.#health, this.#options.pool().health);
  }

  #breaker(): UpstreamTraffic['breaker'] {
    return this.#options.traffic()?.breaker ?? 'closed';
  }

  #tellOfBreaker(state: UpstreamTraffic['breaker']): void {
    this.#breakerSeen = state;
    this.#listener.onChanged({ cause: `its breaker is ${state}`, evidence: `its last probe ${this.evidence}` });
  }

  #onPassed(announced: Announcement): void {
    const before = this.#announced;
    this.#announced = announced;
    this.#listener.onPassed();
    if (isSameAnnouncement(before, announced)) return;
    this.#listener.onChanged({
      cause: 'its health answer announces a change',
      evidence: describeAnnouncement(announced),
    });
  }

  #judge(result: ProbeResult): void {
    if (result.kind === 'passed' || result.kind === 'bad-status') this.#signs.noteAnswer();
    const busy = result.kind === 'timeout' && this.#signs.isWorking();
    this.#health = judgeProbe(this.#health, { result, busy }, this.#options.pool().health);
  }

  #checkProgress(result: ProbeResult): void {
    // When we could not ask, we could not see any progress either.
    if (result.kind === 'unknown') return this.#signs.noteUnseen();
    const answers = result.kind === 'passed' || result.kind === 'bad-status';
    const idleMs = this.#signs.msWithoutProgress({ output: this.#options.process.lastOutput(), answers });
    if (idleMs >= this.#options.pool().startTimeoutMs) this.#listener.onStuck(idleMs);
  }

  /** A worker that answers, if only with a 503, may recover by itself. One that lives and does not answer won't. */
  #checkSilence(result: ProbeResult): void {
    if (result.kind === 'passed' || result.kind === 'bad-status' || result.kind === 'unknown') return;
    const { fails } = this.#health;
    if (fails < this.#options.pool().health.fall) return;
    this.#listener.onWedged(`${fails} probes in a row failed: it ${describeProbe(result)}`);
  }

  /** Between the probes, for what no probe tells: a process stopped by somebody else, and work that hangs. */
  #watchSoon(): void {
    const { clock, pool } = this.#options;
    this.#watch?.cancel();
    this.#watch = clock.startTimer(pool().health.suspiciousIntervalMs, () => this.#look(), { unref: true });
  }

  #look(): void {
    if (this.#probes === undefined) return;
    const evidence = this.#findWedge();
    if (evidence !== undefined) this.#listener.onWedged(evidence);
    // If that did not end it, it is looked at again.
    if (this.#probes !== undefined) this.#watchSoon();
  }

  #findWedge(): string | undefined {
    const { runtime, process } = this.#options;
    if (runtime.isStopped(process)) return 'somebody else stopped its process (state T)';
    const hungMs = this.#hangs.findHang();
    if (hungMs === undefined) return undefined;
    const seconds = Math.round(hungMs / 1000);
    return `requests wait for an answer, and for ${seconds} s no byte moved and no CPU was used`;
  }
}

function createSigns({ clock, runtime, process, traffic, usesBusyGpu }: WorkerHealthOptions): WorkSigns {
  return new WorkSigns({ clock, vitals: () => runtime.vitals(process), traffic, usesBusyGpu });
}

function createHangWatch({ clock, runtime, process, pool, traffic, usesBusyGpu }: WorkerHealthOptions): HangWatch {
  const limitMs = () => pool().health.wedgedAfterMs ?? 0;
  return new HangWatch({ clock, limitMs, vitals: () => runtime.vitals(process), traffic, usesBusyGpu });
}
