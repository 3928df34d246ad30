// Free TCP ports for processes that are still to be started. Binding to port 0 and closing again would take one of the
// ports that the kernel gives away by itself, to any connection that goes out, so that it may be gone when it is needed.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { errorCode, operatorError } from './errors.js';
import { systemRandom } from './random.js';

export interface PortRange {
  readonly from: number;
  /** Not part of the range. */
  readonly to: number;
}

// Below it lie most services' ports, and the last that fetch refuses to speak to (10080, "bad port" of the Fetch standard).
const LOWEST = 10_100;
const PORTS_END = 65_536;
const NONE: ReadonlySet<number> = new Set();
const LINUX_EPHEMERAL: PortRange = { from: 32_768, to: 61_000 };

/**
 * @param range where to look; by default where the kernel takes no port for an outgoing connection.
 * @param inUse left out, though nothing may listen there yet.
 * @returns `count` different ports on which nothing listens now, from a random place of the range upwards.
 * @throws UnderstudyError `no-free-ports` when the range has not that many.
 */
export async function freePorts(
  count: number,
  { host = '127.0.0.1', range = rangeBesideEphemeral(readEphemeralRange()), inUse = NONE, random = systemRandom } = {},
): Promise<readonly number[]> {
  const ports: number[] = [];
  const size = range.to - range.from;
  const start = Math.floor(random() * size);
  for (let step = 0; step < size && ports.length < count; step += 1) {
    const port = range.from + ((start + step) % size);
    if (!inUse.has(port) && (await tryListen(host, port)) === undefined) ports.push(port);
  }
  if (ports.length < count) {
    throw operatorError(
      'no-free-ports',
      `only ${ports.length} of ${count} ports are free on ${host} from ${range.from} to ${range.to - 1}`,
    );
  }
  return ports;
}

/** The larger of what lies below and above the ports of outgoing connections; all there is when they take nearly all. */
export function rangeBesideEphemeral(ephemeral: PortRange): PortRange {
  const below = { from: LOWEST, to: ephemeral.from };
  const above = { from: Math.max(ephemeral.to, LOWEST), to: PORTS_END };
  const larger = below.to - below.from >= above.to - above.from ? below : above;
  return larger.to - larger.from >= 1_000 ? larger : { from: LOWEST, to: PORTS_END };
}

function readEphemeralRange(): PortRange {
  try {
    const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    return { from: low!, to: high! + 1 };
  } catch {
    return LINUX_EPHEMERAL;
  }
}

/** Resolves with undefined when a server could listen there now, else with the code of what came instead. */
export function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errorCode(error) ?? 'an unknown error'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
