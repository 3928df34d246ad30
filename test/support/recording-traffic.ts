// A TrafficPort without traffic: records what it is told, and lets a test hold requests in flight.
import type {
  AbortOptions,
  InflightKind,
  TrafficPort,
  UpstreamIdentity,
  UpstreamIncident,
  UpstreamTarget,
  UpstreamTraffic,
} from '../../src/core/traffic-port.js';

const IDLE: UpstreamTraffic = {
  inflight: 0,
  requests: 0,
  failures: 0,
  breaker: 'closed',
  bytesMoved: 0,
  oldestInflightMs: 0,
  oldestWaitingMs: 0,
};

export class RecordingTraffic implements TrafficPort {
  /** Every list of worker ids that was applied, oldest first. */
  readonly applied: string[][] = [];
  readonly aborted: { id: string; reason: string; kind: InflightKind }[] = [];
  readonly traffic = new Map<string, UpstreamTraffic>();
  targets: readonly UpstreamTarget[] = [];
  sheds = false;
  /** Set by a test: called in the turn in which targets are applied. */
  onApplied: (ids: string[]) => void = () => undefined;
  /** Set by a test: called in the turn in which something in flight is ended. */
  onAborted: () => void = () => undefined;
  readonly #held = new Map<string, { readonly kind: InflightKind; readonly waiters: (() => void)[] }>();

  get ids(): string[] {
    return this.targets.map((target) => target.id).sort();
  }

  /** From now on a drain of this worker waits until `release`, or until what is in flight is ended. */
  hold(id: string, kind: InflightKind = 'requests'): void {
    this.#held.set(id, { kind, waiters: [] });
  }

  release(id: string): void {
    const waiters = this.#held.get(id)?.waiters ?? [];
    this.#held.delete(id);
    for (const resolve of waiters) resolve();
  }

  applyTargets(targets: readonly UpstreamTarget[]): void {
    this.targets = targets;
    // One that left and comes back starts anew, as an idle upstream does.
    for (const id of this.traffic.keys()) if (!this.ids.includes(id)) this.traffic.delete(id);
    this.applied.push(this.ids);
    this.onApplied(this.ids);
  }

  waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    const waiters = this.#held.get(upstream.id)?.waiters;
    if (waiters === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      waiters.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  abortInflight({ id }: UpstreamIdentity, { reason, kind }: AbortOptions): number {
    const held = this.#held.get(id);
    if (held === undefined || (kind ?? held.kind) !== held.kind) return 0;
    this.aborted.push({ id, reason, kind: held.kind });
    this.onAborted();
    this.release(id);
    return 1;
  }

  shedBatch(on: boolean): void {
    this.sheds = on;
  }

  trafficOf(upstream: UpstreamIdentity): UpstreamTraffic | undefined {
    const known = this.targets.some(({ id, generation }) => id === upstream.id && generation === upstream.generation);
    return known ? (this.traffic.get(upstream.id) ?? IDLE) : undefined;
  }

  /** A breaker changes by itself; the incident, if there is one, is the caller's to report. */
  setBreaker({ id, generation }: UpstreamIdentity, state: UpstreamTraffic['breaker']): UpstreamIncident | undefined {
    const before = this.trafficOf({ id, generation });
    if (before === undefined || before.breaker === state) return undefined;
    this.traffic.set(id, { ...before, breaker: state });
    return state === 'half-open' ? undefined : { kind: `breaker-${state}`, id, generation };
  }
}
