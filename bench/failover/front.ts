// Something that spreads traffic over four active workers and has one more for the worst case.

export interface ActiveWorker {
  /** Leads its process group. */
  readonly pid: number;
  readonly port: number;
}

export interface Front {
  readonly name: string;
  readonly url: string;
  /** Where its workers take orders to be faulty. */
  readonly folder: string;
  activeWorkers(): Promise<readonly ActiveWorker[]>;
  /** Resolves once all is as it was before the fault. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}
