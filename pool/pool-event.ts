// What the pool tells the outside, one event a change, in plain words: logs and `why` show them as they are.

export type PoolEventKind =
  /** A worker moved from one state to another. */
  | 'worker'
  /** A worker's health or breaker was judged anew. */
  | 'health'
  /** A standby went into traffic, or gave its first answer there. */
  | 'promotion'
  /** A standby showed that it still answers. */
  | 'rehearsal'
  /** A switch began, was done, was rolled back. */
  | 'mode'
  /** What the machine has, lacks or refuses. */
  | 'resources'
  /** Something is done, or done no longer, because memory is short. */
  | 'pressure'
  /** Somebody took a lease on a mode, gave it back, or lost it. */
  | 'lease'
  /** Something that an earlier Understudy left was ended, or could not be used. */
  | 'inheritance'
  /** The operator asked for something. */
  | 'request';

export interface PoolEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: PoolEventKind;
  readonly backend?: string;
  /** `<backend>/<number>`. */
  readonly worker?: string;
  readonly from?: string;
  readonly to?: string;
  /** How cold the standby is that it has become. */
  readonly temperature?: string;
  readonly cause: string;
  readonly evidence?: string;
  readonly rule?: string;
}
