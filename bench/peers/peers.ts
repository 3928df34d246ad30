// Every proxy that can be measured, in the order of the table.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativePeers } from './native-peers.js';
import { CLI } from '../support/instance.js';
import type { Peer, PeerSetup } from './peer.js';

export const peers: readonly Peer[] = [
  { name: 'direct', command: () => undefined },
  ...nativePeers,
  nodePeer('http-proxy'),
  nodePeer('undici-pipeline'),
  nodePeer('fastify-http-proxy'),
  { name: 'understudy-full', compiles: true, command: (setup) => understudy(setup, 'full') },
  { name: 'understudy', compiles: true, command: (setup) => understudy(setup, 'auto') },
];

function nodePeer(name: string): Peer {
  const program = join(import.meta.dirname, 'programs', `${name}.js`);
  return {
    name,
    compiles: true,
    command: ({ port, upstreamPort }) => [process.execPath, program, String(port), String(upstreamPort)],
  };
}

/** The real command line with its defaults: breaker, metrics, request id, forwarded headers are all on. */
function understudy({ port, upstreamPort, folder }: PeerSetup, lane: 'auto' | 'full'): readonly string[] {
  const config = {
    front: { port },
    admin: { port: 0 },
    lane,
    backends: [{ name: 'target', url: `http://127.0.0.1:${upstreamPort}` }],
    modes: { production: { active: 1 } },
    runtimeDir: join(folder, 'runtime'),
    log: { level: 'warn' },
  };
  const path = join(folder, 'understudy.yaml');
  writeFileSync(path, JSON.stringify(config));
  return [CLI, 'run', '--config', path];
}
