// The contract of an instance, for programs that embed one and for our own command line: what it is made from, what it
// promises, and how each promise fails. app.ts keeps it.

import type { EventLog } from './admin/event-log.js';
import type { ReloadReport } from './admin/reload-report.js';
import type { StatusView } from './admin/status-view.js';
import type { Config } from './config/config.js';
import type { Logger } from './core/log.js';
import type { Predecessor } from './upgrade/predecessor.js';

export interface UnderstudyDependencies {
  readonly log?: Logger;
  /** Shown in status; undefined when there is none. */
  readonly configPath?: string;
  /** Reads the config again, for a reload by the API. @throws ConfigError with every problem. */
  readonly loadConfig?: () => Config;
  /**
   * For the process that takes over in an upgrade, beside our environment: it runs this process's program and arguments.
   * Undefined where that program is not Understudy's own; an upgrade is refused then.
   */
  readonly successorEnv?: Readonly<Record<string, string>>;
}

export interface StartedAddresses {
  /** For clients, as `http://host:port`, or `https://`. */
  readonly frontUrl: string;
  /** The path of the Unix socket beside it, where there is one. */
  readonly frontSocket: string | undefined;
  /** The admin API, metrics and dashboard, as `http://host:port`. */
  readonly adminUrl: string;
  /** What a change over TCP must carry. */
  readonly token: string;
}

export interface Understudy {
  /** Everything that changed, with cause, evidence and rule: the last thousand or so, and each later one as it comes. */
  readonly events: EventLog;
  /** Aborts when somebody has asked for a stop, by `stop` or by the admin API. */
  readonly stopping: AbortSignal;
  /** Resolves when the instance is gone, whoever stopped it. */
  readonly stopped: Promise<void>;
  /**
   * Listens, then brings the pool up; requests that come meanwhile wait.
   * @throws UnderstudyError (operator) that says what could not be had, such as `front-listen`, `admin-listen`,
   * `already-running` or `port-in-use`; nothing is left running then.
   */
  start(options?: StartOptions): Promise<StartedAddresses>;
  /** The names of the backends that the pool has, or is on its way to. */
  readonly backendNames: readonly string[];
  /** The document of `GET /v1/status`, as it is now: plain data, times in milliseconds, sizes in bytes. */
  status(): StatusView;
  /**
   * Resolves once the pool has converged.
   * @throws UnderstudyError `unknown-mode`, `not-reachable`, `switch-superseded`, or `switch-rolled-back` with the step that
   * failed and why: the old shape serves then.
   */
  setMode(name: string): Promise<void>;
  /**
   * Changes to another config (by default the one that `loadConfig` reads) while traffic flows; resolves once it stands.
   * @throws ConfigError, or UnderstudyError `not-reloadable` or `no-config-file`, that says all that is in the way, or
   * `switch-rolled-back`; nothing has changed then.
   */
  reload(config?: Config): Promise<ReloadReport>;
  /** Finishes what is in flight, stops the workers, leaves nothing behind. Idempotent; `hurry` cuts the waiting. */
  stop(options?: StopOptions): Promise<void>;
}

export interface StartOptions {
  readonly signal?: AbortSignal;
  /** The instance to take over from: its front and its workers, which go on whatever becomes of us. */
  readonly predecessor?: Predecessor;
  /** The descriptor of a front that a service manager has opened, and that listens already. */
  readonly frontFd?: number;
}

export interface StopOptions {
  /** Aborting it cuts the waiting. */
  readonly hurry?: AbortSignal;
  /** The workers run on, for the next start to adopt. */
  readonly keepWorkers?: boolean;
}
