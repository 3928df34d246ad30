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
  /** To an earlier Understudy. */
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

/** The standby takes CPU and memory from whoever the mode is for, so long. */
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
   * Requests may be sent, as far as anybody knows. Traffic is asked for its breaker each time: a copy of it kept here
   * would outlive it. A half-open one asks for requests, and without any it would stay so for ever.
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

  /** Its verdict stays, since traffic goes by it; but neither the failures nor the silence behind it count any more. */
  judgeAfresh(): void {
    this.#health = { ...this.#health, fails: 0 };
    this.#signs = createSigns(this.#options);
    this.#hangs = createHangWatch(this.#options);
  }

  /**
   * While it is paused, for a rehearsal: probes until one passes, or as many have failed as a worker may. Busy is not dead:
   * whose memory is still being brought back gets another one, for a while. A failure is the caller's to judge; a passed one
   * mends its verdict; given up by the signal, it tells nothing.
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
    // Only of one that is late: a look at each probe would cost more than the probe.
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
    // It becomes half-open without a word, and closed when its upstream leaves and comes back.
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
    // What keeps us from asking keeps us from seeing its progress, too.
    if (result.kind === 'unknown') return this.#signs.noteUnseen();
    const answers = result.kind === 'passed' || result.kind === 'bad-status';
    const idleMs = this.#signs.msWithoutProgress({ output: this.#options.process.lastOutput(), answers });
    if (idleMs >= this.#options.pool().startTimeoutMs) this.#listener.onStuck(idleMs);
  }

  /** Down by its own word (a 503) it may recover by itself. Down without a word while its process lives, it won't. */
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
    // Not ended for that, it is looked at again.
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
