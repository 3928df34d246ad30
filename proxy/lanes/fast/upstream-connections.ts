// The connections to every upstream: an idle one for who needs one, else a new one. None is kept idle for longer than
// servers keep theirs.

import type { DeadlineWheel } from '../../deadline-wheel.js';
import { Specimen } from '../../specimen.js';
import { takeOut } from '../../take-out.js';
import type { Upstream } from '../../upstream.js';
import { IdleConnections } from './idle-connections.js';
import { UpstreamConnection, type UpstreamConnectionEvents } from './upstream-connection.js';

export class UpstreamConnections {
  /** How long an idle one is kept; it may change. */
  idleMs: number;
  readonly #shared: Omit<UpstreamConnectionEvents, 'siblings'>;
  readonly #idle = new Map<Upstream, IdleConnections<UpstreamConnection>>();
  readonly #all: UpstreamConnection[] = [];
  readonly #specimen = new Specimen<UpstreamConnection>();

  constructor(idleMs: number, wheel: DeadlineWheel) {
    this.idleMs = idleMs;
    this.#shared = { wheel, onGone: (connection) => this.#forget(connection) };
  }

  /** An idle one, else a new one that is being opened. */
  take(upstream: Upstream): UpstreamConnection {
    let idle = this.#idle.get(upstream);
    if (idle === undefined) this.#idle.set(upstream, (idle = new IdleConnections()));
    return idle.take() ?? this.#open(upstream, idle);
  }

  /** It has served its request whole and may serve another. */
  giveBack(connection: UpstreamConnection, now: number): void {
    connection.user = undefined;
    const { upstream } = connection;
    // An upstream that left the pool and is idle gets no other request.
    if (!upstream.eligible || this.idleMs === 0) return connection.destroy();
    connection.siblings.add(connection);
    connection.arm(this.idleMs, now);
  }

  /** The upstream is gone and idle. */
  release(upstream: Upstream): void {
    const idle = this.#idle.get(upstream)?.removeAll() ?? [];
    this.#idle.delete(upstream);
    for (const connection of idle) connection.destroy();
  }

  destroy(): void {
    for (const connection of [...this.#all]) connection.destroy();
  }

  #open(upstream: Upstream, siblings: IdleConnections<UpstreamConnection>): UpstreamConnection {
    // Not spread: each copy would get a shape of its own, and what is asked of it at every request be searched for.
    const { wheel, onGone } = this.#shared;
    const connection = new UpstreamConnection(upstream, { wheel, onGone, siblings });
    connection.place = this.#all.push(connection) - 1;
    this.#specimen.last = connection;
    return connection;
  }

  #forget(connection: UpstreamConnection): void {
    const moved = takeOut(this.#all, connection.place);
    if (moved !== undefined) moved.place = connection.place;
    connection.siblings.remove(connection);
  }
}
