// One way of changing the pool's shape while clients ask, and what is measured of it.

export interface Switched {
  readonly name: string;
  /** Where clients ask; a different place each time where no proxy stands before the workers. */
  url(): string;
  /** Resolves once the pool has the other shape. */
  switchTo(mode: 'production' | 'validation'): Promise<void>;
  /** 99 % of all requests waited at most so long for a worker, in milliseconds; undefined where nothing queues. */
  queuedP99Ms(): Promise<number | undefined>;
  stop(): Promise<void>;
}
