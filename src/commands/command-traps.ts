// What a worker's command line is known to get wrong, found by reading it. Pure. Measured on uvicorn 0.17 and 0.54.

const SHORTEST_KEEP_ALIVE_SECONDS = 5;

/** One sentence a trap: what happens, and what to write instead. */
export function findCommandTraps(command: readonly string[]): readonly string[] {
  if (!command.some((part) => /(^|\/)uvicorn$/.test(part))) return [];
  return [...workersTrap(command), ...keepAliveTrap(command), ...gracefulTrap(command), ...reloadTrap(command)];
}

function workersTrap(command: readonly string[]): string[] {
  const workers = Number(optionValue(command, '--workers') ?? 1);
  if (workers <= 1) return [];
  return [
    `--workers ${workers}: uvicorn loses TCP_NODELAY on the shared socket (44 ms for a keep-alive request) and hides dead workers; leave it out, Understudy runs one process a worker`,
  ];
}

function keepAliveTrap(command: readonly string[]): string[] {
  const seconds = Number(optionValue(command, '--timeout-keep-alive') ?? 5);
  if (seconds > SHORTEST_KEEP_ALIVE_SECONDS) return [];
  return [
    `uvicorn closes idle connections after ${seconds} s, about when the proxy would reuse them; add --timeout-keep-alive 75`,
  ];
}

function gracefulTrap(command: readonly string[]): string[] {
  if (optionValue(command, '--timeout-graceful-shutdown') !== undefined) return [];
  return ['without --timeout-graceful-shutdown (uvicorn 0.22+) a stop waits for slow requests until it is killed'];
}

function reloadTrap(command: readonly string[]): string[] {
  return command.includes('--reload')
    ? ['--reload puts a watcher between us and the server: use understudy restart']
    : [];
}

/** `--name value` or `--name=value`. */
function optionValue(command: readonly string[], name: string): string | undefined {
  const index = command.indexOf(name);
  if (index >= 0) return command[index + 1];
  return command.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}
