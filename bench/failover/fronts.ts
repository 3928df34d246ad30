// The proxies of the side by side, each configured to lose as little as it can: fast checks, repeats on another worker,
// a backup for when all others are gone.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultyCommand } from '../../src/chaos/faulty-command.js';
import { nginxTemporaryPaths } from '../peers/native-peers.js';
import { BenchChild, temporaryFolder, waitListening } from '../support/children.js';
import { freePorts } from '../../src/core/free-ports.js';
import { BenchInstance } from '../support/instance.js';
import { KeptWorkers } from './kept-workers.js';
import type { Front } from './front.js';

const ACTIVE = 4;
/** Workers that are killed again and again on purpose are no crash loop. */
export const KILLED_ON_PURPOSE = { maxBackoff: '250ms', crashLoopLimit: 1_000_000 };

export interface FrontKind {
  readonly name: string;
  /** The program that must be installed. */
  readonly needs?: string;
  readonly start: (command: readonly string[]) => Promise<Front>;
}

export const fronts: readonly FrontKind[] = [
  { name: 'nginx', needs: 'nginx', start: (command) => startPeer('nginx', command) },
  { name: 'haproxy', needs: 'haproxy', start: (command) => startPeer('haproxy', command) },
  { name: 'understudy', start: startUnderstudy },
];

async function startUnderstudy(command: readonly string[]): Promise<Front> {
  const folder = temporaryFolder();
  const instance = await BenchInstance.start({
    config: {
      command: faultyCommand(command, { folder, healthPath: '/health' }),
      failbackAfter: '500ms',
      restart: KILLED_ON_PURPOSE,
    },
    args: ['--validation'],
  });
  const front: Front = {
    name: 'understudy',
    url: instance.url,
    folder,
    activeWorkers: async () => {
      const { backends } = await instance.admin.status();
      const active = backends.filter(({ role }) => role === 'active').flatMap(({ workers }) => workers);
      return active.map(({ pid, url }) => ({ pid: pid!, port: Number(new URL(url).port) }));
    },
    settle: () => untilValidationStands(instance),
    stop: () => instance.stop(),
  };
  await front.settle();
  return front;
}

/**
 * Four active workers that are well, the standby back at rest (as cold as the mode wants it). A breaker may be half-open: without
 * load nobody closes it.
 */
export async function untilValidationStands(instance: BenchInstance): Promise<void> {
  for (;;) {
    const { backends, mode } = await instance.admin.status();
    const active = backends
      .flatMap(({ workers }) => workers)
      .filter(({ state, health, breaker }) => state === 'active' && health === 'well' && breaker !== 'open');
    const rests = backends[2]?.role === 'standby' && mode.converged;
    if (rests && active.length === ACTIVE) return;
    await sleep(50);
  }
}

async function startPeer(program: 'nginx' | 'haproxy', command: readonly string[]): Promise<Front> {
  const folder = temporaryFolder();
  const [port, ...workerPorts] = await freePorts(2 + ACTIVE);
  const workers = new KeptWorkers(command, folder);
  await workers.start(workerPorts);
  const config = join(folder, 'peer.conf');
  const configFor = program === 'nginx' ? nginxConfig : haproxyConfig;
  writeFileSync(config, configFor({ port: port!, workerPorts, folder }));
  const child = new BenchChild(
    program === 'nginx'
      ? ['nginx', '-e', join(folder, 'error.log'), '-c', config]
      : ['haproxy', '-q', '-db', '-f', config],
  );
  await waitListening(child, port!);
  return {
    name: program,
    url: `http://127.0.0.1:${port}`,
    folder,
    activeWorkers: () => Promise.resolve(workers.workers.slice(0, ACTIVE)),
    settle: async () => {
      await workers.settle();
      // Its checks, or its fail_timeout, bring every worker back.
      await sleep(SETTLE_MS);
    },
    stop: async () => {
      await child.stop();
      await workers.stop();
    },
  };
}

/** Longer than nginx' fail_timeout. */
const SETTLE_MS = 1_500;

interface PeerPlace {
  readonly port: number;
  readonly workerPorts: readonly number[];
  readonly folder: string;
}

function haproxyConfig({ port, workerPorts }: PeerPlace): string {
  const servers = workerPorts.map(
    (workerPort, index) => `  server worker${index} 127.0.0.1:${workerPort}${index < ACTIVE ? '' : ' backup'}`,
  );
  return `
global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout connect 250ms
  timeout client 75s
  timeout server 120s
  timeout check 200ms
frontend front
  bind 127.0.0.1:${port}
  default_backend workers
backend workers
  balance leastconn
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response response-timeout 502 503 504
  http-request disable-l7-retry unless METH_GET
  option httpchk GET /health
  default-server check inter 100ms fastinter 50ms downinter 100ms fall 2 rise 2 on-marked-down shutdown-sessions observe layer7 error-limit 3 on-error mark-down
${servers.join('\n')}
`;
}

function nginxConfig({ port, workerPorts, folder }: PeerPlace): string {
  const servers = workerPorts.map((workerPort, index) =>
    index < ACTIVE
      ? `    server 127.0.0.1:${workerPort} max_fails=1 fail_timeout=1s;`
      : `    server 127.0.0.1:${workerPort} backup;`,
  );
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 2000; }
http {
  access_log off;
  ${nginxTemporaryPaths(folder)}
  keepalive_requests 1000000000;
  upstream workers {
    least_conn;
${servers.join('\n')}
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 250ms;
      proxy_read_timeout 5s;
      proxy_next_upstream error timeout http_502 http_503 http_504;
    }
  }
}
`;
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
