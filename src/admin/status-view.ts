// The status document: its names are fixed, since scripts outside the project read them. Adding is fine, renaming not.

import type { Priority } from '../core/priority.js';
import type { ResourceReading } from '../core/resource-reading.js';

export type Temperature = 'hot' | 'frozen' | 'asleep' | 'cold';
export type BackendRole = 'active' | 'standby' | 'off';

export interface WorkerStatus {
  readonly id: string;
  readonly url: string;
  readonly pid: number | null;
  readonly state: string;
  readonly health: string;
  readonly restarts: number;
  readonly inflight: number;
  readonly requests: number;
  readonly failures: number;
  readonly breaker: string;
  /** Failed: time until it starts again; null when it is left alone until somebody acts, or did not fail. */
  readonly retryInMs: number | null;
  /** Starting: what its last probe said, in plain words; not there before the first one. */
  readonly lastProbe?: string;
  /** The last thing that went wrong with it, in plain words. */
  readonly lastError?: string;
}

export interface BackendStatus {
  readonly name: string;
  readonly port: number | null;
  readonly role: BackendRole;
  /** What the mode would have it do, or the operator by hand. */
  readonly wished: BackendRole;
  readonly byHand: boolean;
  readonly temperature: string | null;
  /** Its last promotion, in milliseconds: until traffic was routed to it, and until its first answer there. */
  readonly promotion: { readonly routedMs: number; readonly provenMs?: number } | null;
  /** From each temperature to an answer, as last rehearsed (cold: as last started); `at` in milliseconds since the epoch. */
  readonly tiers: Readonly<Partial<Record<Temperature, { readonly ms: number; readonly at: number }>>>;
  readonly workers: readonly WorkerStatus[];
}

export interface LeaseStatus {
  readonly id: string;
  readonly holder: string;
  readonly mode: string;
  /** What each renewal gives it. */
  readonly ttlMs: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Another mode was set by hand since: the lease lives on, but decides nothing. */
  readonly overruled: boolean;
}

export interface StatusView {
  readonly instance: {
    readonly version: string;
    readonly pid: number;
    /** Milliseconds since the epoch. */
    readonly startedAt: number;
    readonly adminSocket: string;
    readonly configPath: string | null;
    readonly logDir: string;
    /** In an upgrade: it answers here already, and does not have the front yet. */
    readonly takingOver: boolean;
    /** The last upgrade that was given up: the new process (null: there was none yet), when, at which step and why. */
    readonly failedUpgrade: { readonly pid: number | null; readonly at: number; readonly reason: string } | null;
  };
  readonly mode: {
    readonly current: string;
    readonly target: string;
    readonly converged: boolean;
    readonly leases: readonly LeaseStatus[];
    /** Those that may be asked for. */
    readonly available: readonly string[];
    /** The priority that the mode gives to the command of `validate`. */
    readonly job: Priority;
  };
  readonly front: {
    readonly host: string;
    readonly port: number;
    /** The path of the Unix socket beside it; null where there is none. */
    readonly socket: string | null;
    /** Of the port; null where it speaks plain HTTP. */
    readonly tls: {
      /** When its certificate is valid no longer, in milliseconds since 1970. */
      readonly validTo: number;
    } | null;
    readonly inflight: number;
    readonly waiting: number;
  };
  readonly backends: readonly BackendStatus[];
  /** What is done at present because memory is short, mildest first, and the numbers that called for it. */
  readonly pressure: { readonly acts: readonly string[]; readonly evidence: string | null };
  /** Null before the first sample, and when sampling is switched off. */
  readonly resources: ResourceReading | null;
  /** Whether what stands in for lost workers may go back to its rest. */
  readonly failback: { readonly kind: 'recovering' | 'steady' } | { readonly kind: 'pending'; readonly inMs: number };
}
