// A TrafficPort without traffic: records what it is told, and lets a test hold requests in flight.
import type { TrafficPort, UpstreamIdentity, UpstreamTarget, UpstreamTraffic } from '../../src/core/traffic-port.js';

export class RecordingTraffic implements TrafficPort {
  /** Every list of worker ids that was applied, oldest first. */
  readonly applied: string[][] = [];
  readonly aborted: { id: string; reason: string }[] = [];
  readonly traffic = new Map<string, UpstreamTraffic>();
  targets: readonly UpstreamTarget[] = [];
  /** Set by a test: called in the turn in which targets are applied. */
  onApplied: (ids: string[]) => void = () => undefined;
  readonly #held = new Map<string, (() => void)[]>();

  get ids(): string[] {
    return this.targets.map((target) => target.id).sort();
  }

  /** From now on a drain of this worker waits until `release`. */
  hold(id: string): void {
    this.#held.set(id, []);
  }

  release(id: string): void {
    const waiters = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const resolve of waiters) resolve();
  }

  applyTargets(targets: readonly UpstreamTarget[]): void {
    this.targets = targets;
    this.applied.push(this.ids);
    this.onApplied(this.ids);
  }

  waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    const waiters = this.#held.get(upstream.id);
    if (waiters === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      waiters.push(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  abortInflight(upstream: UpstreamIdentity, { reason }: { readonly reason: string }): number {
    this.aborted.push({ id: upstream.id, reason });
    this.#held.delete(upstream.id);
    return 1;
  }

  trafficOf(upstream: UpstreamIdentity): UpstreamTraffic | undefined {
    return this.traffic.get(upstream.id);
  }
}
