// What the admin API can ask of the instance. The composition root implements it; the routes only translate HTTP.

import type { PlanView } from './plan-view.js';
import type { ReloadReport } from './reload-report.js';
import type { LeaseStatus, StatusView } from './status-view.js';
import type { EventLog } from './event-log.js';

export interface LeaseWish {
  readonly holder: string;
  readonly mode: string;
  readonly ttlMs: number;
}

export type BackendAction = 'promote' | 'drain' | 'restart';

export interface WaitOptions {
  /** True: settle only when the pool has converged (or the switch was rolled back). */
  readonly wait: boolean;
  readonly signal?: AbortSignal;
}

/** Each rejects with an UnderstudyError whose `code` the API passes on. */
export interface AdminOperations {
  readonly events: EventLog;
  status(): StatusView;
  /** True once the pool can take traffic. */
  ready(): boolean;
  metrics(): Promise<string>;
  setMode(name: string, options: WaitOptions): Promise<void>;
  planMode(name: string): PlanView;
  lease(wish: LeaseWish, options: WaitOptions): Promise<LeaseStatus>;
  renewLease(id: string, ttlMs?: number): LeaseStatus;
  giveLeaseBack(id: string, options: WaitOptions): Promise<void>;
  backendAction(name: string, action: BackendAction): Promise<void>;
  /** Reads the config again and settles once the pool stands as it says. */
  reload(): Promise<ReloadReport>;
  /**
   * Settles once a new process has adopted the workers (what is under way ends first, and the signal gives up the wait for
   * that); `complete` has this one hand over the admin API and the front, and end. What fails then is told in the status.
   */
  upgrade(options?: Pick<WaitOptions, 'signal'>): Promise<{ readonly pid: number; readonly complete: () => void }>;
  /** Why a backend (or the pool) is as it is, in plain words, one line each. */
  why(backend?: string): readonly string[];
  /** Begins the stop; the answer does not wait for its end. */
  stop(): Promise<void>;
}
