// The one seam between the planes: what the pool tells the proxy (TrafficPort), and what the proxy tells the pool
// (UpstreamIncident). Only src/app.ts joins them. Every method is synchronous unless it waits.

/** Where a worker listens. */
export type UpstreamAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** A worker that may take traffic now, as the pool sees it. Identity is `id` + `generation`. */
export interface UpstreamTarget {
  /** `<backend>/<worker>`, for example `primary/1`. */
  readonly id: string;
  /** Grows with each new process behind the same id: a new one starts with a fresh breaker and fresh sockets. */
  readonly generation: number;
  readonly backend: string;
  readonly worker: number;
  readonly address: UpstreamAddress;
  /** Share under weighted policies; 1 by default. */
  readonly weight: number;
  /** True when the process has served before (a promoted standby, an adopted worker): it skips slow start. */
  readonly warm: boolean;
  /** Requests at once that the app itself has asked for at most; below the configured limit it rules. */
  readonly maxInflight?: number;
}

/** Since a process first took traffic, whether it has rested in between or not. */
export interface UpstreamCounts {
  readonly requests: number;
  readonly failures: number;
  /** Either way. */
  readonly bytesMoved: number;
}

/** What traffic knows of an upstream; evidence for the pool (busy is not dead) and rows for `status`. */
export interface UpstreamTraffic extends UpstreamCounts {
  readonly inflight: number;
  /** `open` also for the last usable upstream that failures would have opened: it goes on getting requests. */
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Age of the oldest request in flight, in milliseconds; 0 when idle. */
  readonly oldestInflightMs: number;
  /** For how long the first of those that were sent whole has waited for a byte of its answer; 0 when nobody waits. */
  readonly oldestWaitingMs: number;
}

export interface UpstreamIdentity {
  readonly id: string;
  readonly generation: number;
}

/** `streams`: event streams and tunnels, which last until somebody ends them. `requests`: everything else. */
export type InflightKind = 'requests' | 'streams';

export interface AbortOptions {
  readonly reason: string;
  readonly kind?: InflightKind;
}

/** The pool's hand on traffic. Targets that leave the list get no new request; those in flight go on. */
export interface TrafficPort {
  /** Makes these, and no others, eligible; by difference, in this turn. Unchanged ones keep all they have learnt. */
  applyTargets(targets: readonly UpstreamTarget[]): void;
  /** Resolves once no request is in flight on it (at once if unknown). Rejects with the signal's reason. */
  waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void>;
  /**
   * Ends what is still in flight on it, or only those of a kind, with an explicit error (never a clean-looking end), or
   * repeats it elsewhere. Returns how many.
   */
  abortInflight(upstream: UpstreamIdentity, options: AbortOptions): number;
  /** Whether requests of the class `batch` are turned away. */
  shedBatch(on: boolean): void;
  /** Undefined when the proxy has never known it. */
  trafficOf(upstream: UpstreamIdentity): UpstreamTraffic | undefined;
}

/** What the proxy saw on an upstream that the pool must weigh in the same turn. */
export interface UpstreamIncident extends UpstreamIdentity {
  /**
   * `refused`: nothing listens there. `breaker-open` / `breaker-closed`: traffic's own judgement changed; the last usable
   * upstream is reported open too, so that somebody comes to its help, but goes on getting requests. `announced-drain`:
   * the app said in an answer that it wants no more traffic.
   */
  readonly kind: 'refused' | 'breaker-open' | 'breaker-closed' | 'announced-drain';
}

export type IncidentListener = (incident: UpstreamIncident) => void;
