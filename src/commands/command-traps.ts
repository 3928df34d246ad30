// What a worker's command line is known to get wrong, found by reading it, and the same command put right. Pure.
// Measured on uvicorn 0.17 and 0.54; gunicorn's times are from its documentation.

export interface ServerFacts {
  /** How long the proxy keeps an idle connection to a worker: the server must keep it longer. */
  readonly upstreamIdleSeconds: number;
  /** Whether this uvicorn knows --timeout-graceful-shutdown (0.22 and later). */
  readonly knowsGracefulTimeout: boolean;
}

export interface CommandTrap {
  /** What happens, in one sentence. */
  readonly text: string;
  /** The command without it. */
  fix(command: readonly string[]): readonly string[];
}

const GOOD_KEEP_ALIVE_SECONDS = '75';
const GOOD_GRACE_SECONDS = '10';

/** In the order in which they should be told. */
export function findCommandTraps(command: readonly string[], facts: ServerFacts): readonly CommandTrap[] {
  if (runs(command, 'gunicorn')) return keepAliveTrap(command, { option: '--keep-alive', defaultSeconds: 2, facts });
  if (!isUvicorn(command)) return [];
  return [
    ...workersTrap(command),
    ...keepAliveTrap(command, { option: '--timeout-keep-alive', defaultSeconds: 5, facts }),
    ...gracefulTrap(command, facts),
    ...reloadTrap(command),
  ];
}

/** The command with every trap taken out. */
export function fixCommand(command: readonly string[], traps: readonly CommandTrap[]): readonly string[] {
  return traps.reduce((fixed, trap) => trap.fix(fixed), command);
}

/** Whether the command starts uvicorn, which has no supervisor of its own with one worker. */
export function isUvicorn(command: readonly string[]): boolean {
  return runs(command, 'uvicorn');
}

function runs(command: readonly string[], server: string): boolean {
  return command.some((part) => part === server || part.endsWith(`/${server}`));
}

function workersTrap(command: readonly string[]): CommandTrap[] {
  const workers = Number(optionValue(command, '--workers') ?? 1);
  if (workers <= 1) return [];
  return [
    {
      text: `--workers ${workers}: uvicorn loses TCP_NODELAY on the socket that they share (44 ms for a keep-alive request) and hides workers that died; leave it out, Understudy runs one process a worker`,
      fix: (fixed) => withoutOption(fixed, '--workers'),
    },
  ];
}

interface KeepAlive {
  readonly option: string;
  readonly defaultSeconds: number;
  readonly facts: ServerFacts;
}

/** A second apart is no margin on a busy machine: the server's close and our next request would cross. */
function keepAliveTrap(command: readonly string[], { option, defaultSeconds, facts }: KeepAlive): CommandTrap[] {
  const seconds = Number(optionValue(command, option) ?? defaultSeconds);
  if (seconds > facts.upstreamIdleSeconds + 1) return [];
  return [
    {
      text: `the server closes idle connections after ${seconds} s, about when the proxy (${facts.upstreamIdleSeconds} s) would use them again; say ${option} ${GOOD_KEEP_ALIVE_SECONDS}`,
      fix: (fixed) => [...withoutOption(fixed, option), option, GOOD_KEEP_ALIVE_SECONDS],
    },
  ];
}

function gracefulTrap(command: readonly string[], { knowsGracefulTimeout }: ServerFacts): CommandTrap[] {
  const option = '--timeout-graceful-shutdown';
  if (!knowsGracefulTimeout || optionValue(command, option) !== undefined) return [];
  return [
    {
      text: `without ${option} a stop waits for slow requests without end, until it is killed`,
      fix: (fixed) => [...fixed, option, GOOD_GRACE_SECONDS],
    },
  ];
}

function reloadTrap(command: readonly string[]): CommandTrap[] {
  if (!command.includes('--reload')) return [];
  return [
    {
      text: '--reload puts a watcher between us and the server, and resets live connections; use understudy restart',
      fix: (fixed) => fixed.filter((part) => part !== '--reload'),
    },
  ];
}

/** `--name value` or `--name=value`. */
function optionValue(command: readonly string[], name: string): string | undefined {
  const index = command.indexOf(name);
  if (index >= 0) return command[index + 1];
  return command.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}

function withoutOption(command: readonly string[], name: string): readonly string[] {
  const index = command.indexOf(name);
  if (index >= 0) return [...command.slice(0, index), ...command.slice(index + 2)];
  return command.filter((part) => !part.startsWith(`${name}=`));
}
