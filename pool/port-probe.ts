// Whether a port is free, who holds it if not, and which port a further worker may take.
import { freePorts, tryListen, type PortRange } from '../src/core/free-ports.js';
import type { Random } from '../src/core/random.js';
import { commandOf, listenerOf } from './process-table.js';

/**
 * Below Linux's default range for outgoing connections (32768 on): a port of that range could be taken by one of
 * the proxy's own connections between our look at it and the worker's bind.
 */
const FURTHER_WORKERS: PortRange = { from: 20_000, to: 32_768 };

/** Resolves with undefined when a server could listen there now, else with the reason in words. */
export async function findPortHolder(host: string, port: number): Promise<string | undefined> {
  const code = await tryListen(host, port);
  if (code === undefined) return undefined;
  if (code === 'EACCES') return 'the system, which lets only privileged users listen there';
  if (code !== 'EADDRINUSE') return `nobody, but listening fails with ${code}`;
  const pid = listenerOf(port);
  return pid === undefined ? 'another process' : `process ${pid} (${commandOf(pid) ?? 'command unknown'})`;
}

/** One for a further worker. @throws UnderstudyError (operator) `no-free-ports`. */
export async function findFreePort(host: string, inUse: ReadonlySet<number>, random: Random): Promise<number> {
  const [port] = await freePorts(1, { host, range: FURTHER_WORKERS, inUse, random });
  return port!;
}
