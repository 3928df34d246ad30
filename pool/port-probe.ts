// Whether a port is free, who holds it if not, and which port a further worker may take.
import { UnderstudyError } from '../src/core/errors.js';
import { tryListen } from '../src/core/free-ports.js';
import type { Random } from '../src/core/random.js';
import { commandOf, listenerOf } from './process-table.js';

/**
 * Below Linux's default range for outgoing connections (32768 on): a port of that range could be taken by one of
 * the proxy's own connections between our look at it and the worker's bind.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;
const ATTEMPTS = 100;

/** Resolves with undefined when a server could listen there now, else with the reason in words. */
export async function findPortHolder(host: string, port: number): Promise<string | undefined> {
  const code = await tryListen(host, port);
  if (code === undefined) return undefined;
  if (code === 'EACCES') return 'the system, which lets only privileged users listen there';
  if (code !== 'EADDRINUSE') return `nobody, but listening fails with ${code}`;
  const pid = listenerOf(port);
  return pid === undefined ? 'another process' : `process ${pid} (${commandOf(pid) ?? 'command unknown'})`;
}

/** @throws UnderstudyError (operator) `no-free-port` after a hundred taken ones. */
export async function findFreePort(host: string, inUse: ReadonlySet<number>, random: Random): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(random() * (LAST_PORT - FIRST_PORT + 1));
    if (!inUse.has(port) && (await tryListen(host, port)) === undefined) return port;
  }
  throw new UnderstudyError(
    `Cannot find a free port on ${host}: ${ATTEMPTS} tried between ${FIRST_PORT} and ${LAST_PORT}.`,
    {
      code: 'no-free-port',
      source: 'operator',
    },
  );
}
