// What systemd hands to a service in its environment (sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)). It is taken
// out of the environment, since our workers are no service of systemd's: a server that finds it there would answer to it.

import { operatorError } from '../core/errors.js';

export interface PassedEnvironment {
  /** Where to tell how we are. */
  readonly notifySocket: string | undefined;
  /** It must hear of us that often, or it ends us; in milliseconds. */
  readonly watchdogMs: number | undefined;
  /** A socket that listens already: the front. */
  readonly frontFd: number | undefined;
}

/** SD_LISTEN_FDS_START */
const FIRST_PASSED_FD = 3;

const NAMES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** @throws UnderstudyError `passed-sockets` when there are more sockets than we have a use for. */
export function takePassedEnvironment(env: NodeJS.ProcessEnv, pid: number): PassedEnvironment {
  const passed = Object.fromEntries(NAMES.map((name) => [name, env[name]]));
  for (const name of NAMES) delete env[name];
  const isOurs = (owner: string | undefined) => owner === undefined || owner === String(pid);
  const watchdogMs = Number(passed['WATCHDOG_USEC']) / 1000;
  const sockets = passed['LISTEN_PID'] === String(pid) ? Number(passed['LISTEN_FDS']) : 0;
  if (sockets > 1) {
    throw operatorError(
      'passed-sockets',
      `systemd passes ${sockets} sockets; accepted is one, for the front (ListenStream=).`,
    );
  }
  return {
    notifySocket: passed['NOTIFY_SOCKET'],
    watchdogMs: watchdogMs > 0 && isOurs(passed['WATCHDOG_PID']) ? watchdogMs : undefined,
    frontFd: sockets === 1 ? FIRST_PASSED_FD : undefined,
  };
}

/** For a process that takes over from us, and with it our part towards systemd. The socket goes over by itself. */
export function environmentForSuccessor({ notifySocket, watchdogMs }: PassedEnvironment): Record<string, string> {
  return {
    ...(notifySocket === undefined ? {} : { NOTIFY_SOCKET: notifySocket }),
    ...(watchdogMs === undefined ? {} : { WATCHDOG_USEC: String(watchdogMs * 1000) }),
  };
}
