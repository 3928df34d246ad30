// Traffic of which a part is in another process: an upgrade's old one still has requests in flight on the workers that the
// new one is in charge of by then. Whatever the new one's pool orders holds for both, so that no worker is stopped, frozen or
// replaced under a request that only the other process knows of. An old one that has an old one of its own, after two upgrades
// in a row, passes all of it on, and stays until that one has gone.

import type {
  AbortOptions,
  TrafficPort,
  UpstreamIdentity,
  UpstreamTarget,
  UpstreamTraffic,
} from '../core/traffic-port.js';
import type { TrafficNews, TrafficOrder } from './messages.js';

/** The way to the other process. */
export interface TrafficChannel {
  say(order: TrafficOrder): void;
  hear(listener: (news: TrafficNews) => void): void;
  /** Aborts once the other process has nothing in flight any more, and never will have. */
  readonly gone: AbortSignal;
  /** While it is on, this process does not end for want of anything to do but to hear from the other one. */
  keepUp(on: boolean): void;
}

/** What can be ordered from another process; that one does not tell how many it has ended. */
export interface OrderedTraffic extends Pick<TrafficPort, 'applyTargets' | 'waitIdle'> {
  abortInflight(upstream: UpstreamIdentity, options: AbortOptions): void;
}

export class SharedTraffic implements TrafficPort {
  readonly #own: TrafficPort;
  #other: RemoteTraffic | undefined;
  #targets: readonly UpstreamTarget[] = [];
  #handedOver = false;

  constructor(own: TrafficPort) {
    this.#own = own;
  }

  /** From here on, until it has gone, the other process does what ours does. */
  share(channel: TrafficChannel): void {
    this.#other = new RemoteTraffic(channel);
    this.#other.applyTargets(this.#targets);
  }

  /** For the pool of another process, which knows better than ours from here on who may take traffic. */
  handOver(): OrderedTraffic {
    this.#handedOver = true;
    return {
      applyTargets: (targets) => this.#apply(targets),
      waitIdle: (upstream, signal) => this.waitIdle(upstream, signal),
      abortInflight: (upstream, options) => void this.abortInflight(upstream, options),
    };
  }

  /**
   * Resolves once the other process has gone: until then whoever we have handed over to reaches it through us alone.
   * @param hurry cuts the waiting.
   */
  async waitAlone(hurry: AbortSignal): Promise<void> {
    await this.#other?.waitGone(hurry);
  }

  applyTargets(targets: readonly UpstreamTarget[]): void {
    if (!this.#handedOver) this.#apply(targets);
  }

  async waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    await Promise.all([this.#own.waitIdle(upstream, signal), this.#other?.waitIdle(upstream, signal)]);
  }

  /** Returns how many of our own; the other process does not tell. */
  abortInflight(upstream: UpstreamIdentity, options: AbortOptions): number {
    this.#other?.abortInflight(upstream, options);
    return this.#own.abortInflight(upstream, options);
  }

  shedBatch(on: boolean): void {
    this.#own.shedBatch(on);
  }

  trafficOf(upstream: UpstreamIdentity): UpstreamTraffic | undefined {
    return this.#own.trafficOf(upstream);
  }

  #apply(targets: readonly UpstreamTarget[]): void {
    this.#targets = targets;
    this.#own.applyTargets(targets);
    this.#other?.applyTargets(targets);
  }
}

class RemoteTraffic implements OrderedTraffic {
  readonly #channel: TrafficChannel;
  readonly #waits = new Map<number, () => void>();
  #lastKey = 0;

  constructor(channel: TrafficChannel) {
    this.#channel = channel;
    channel.hear(({ key }) => this.#waits.get(key)?.());
    channel.gone.addEventListener('abort', () => this.#onGone(), { once: true });
  }

  applyTargets(targets: readonly UpstreamTarget[]): void {
    this.#channel.say({ kind: 'targets', targets });
  }

  waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    if (this.#channel.gone.aborted) return Promise.resolve();
    const key = ++this.#lastKey;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waits.delete(key);
        reject(signal!.reason as Error);
      };
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waits.set(key, () => {
        this.#waits.delete(key);
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      this.#channel.say({ kind: 'await-idle', key, upstream });
    });
  }

  abortInflight(upstream: UpstreamIdentity, options: AbortOptions): void {
    this.#channel.say({ kind: 'abort', upstream, options });
  }

  async waitGone(hurry: AbortSignal): Promise<void> {
    const { gone } = this.#channel;
    if (gone.aborted || hurry.aborted) return;
    this.#channel.keepUp(true);
    await new Promise((resolve) => {
      for (const signal of [gone, hurry]) signal.addEventListener('abort', resolve, { once: true });
    });
    this.#channel.keepUp(false);
  }

  #onGone(): void {
    for (const end of [...this.#waits.values()]) end();
  }
}

/** What the process that still has requests in flight does at a word of the one in charge. */
export function obey(order: TrafficOrder, traffic: OrderedTraffic, tell: (news: TrafficNews) => void): void {
  switch (order.kind) {
    case 'targets':
      return traffic.applyTargets(order.targets);
    case 'abort':
      return traffic.abortInflight(order.upstream, order.options);
    case 'await-idle':
      return void traffic.waitIdle(order.upstream).then(() => tell({ kind: 'idle', key: order.key }));
  }
}
