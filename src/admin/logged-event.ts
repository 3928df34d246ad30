// One entry of the event log, as it is sent: the dashboard's page reads it too.

import type { PoolEventKind } from '../../pool/index.js';

export interface LoggedEvent {
  /** Grows by one; a gap means that the reader was too slow. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The pool's, and those of the whole instance. */
  readonly kind: PoolEventKind | 'reload' | 'upgrade';
  readonly backend?: string;
  readonly worker?: string;
  readonly from?: string;
  readonly to?: string;
  /** How cold the standby is that it has become. */
  readonly temperature?: string;
  /** What set it off, in plain words. */
  readonly cause?: string;
  readonly evidence?: string;
  /** The rule of the design that it follows from. */
  readonly rule?: string;
}
