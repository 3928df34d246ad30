// The way of a cluster script: stop every server, start them with the new numbers. No proxy: clients know the ports and
// ask each in turn, those of servers that are not meant to run left out.

import { BenchChild, waitListening } from '../support/children.js';
import { freePorts } from '../../src/core/free-ports.js';
import { uvicornExample } from '../support/uvicorn-example.js';
import type { Switched } from './switched.js';

const SHAPES = { production: { backends: 3, workers: 1 }, validation: { backends: 2, workers: 2 } } as const;

export async function startRestartWay(python: string): Promise<Switched> {
  const ports = await freePorts(SHAPES.production.backends);
  let servers: BenchChild[] = [];
  let used: readonly number[] = [];
  let turn = 0;
  const stopAll = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    servers = [];
  };
  const switchTo = async (mode: keyof typeof SHAPES) => {
    const { backends, workers } = SHAPES[mode];
    await stopAll();
    used = ports.slice(0, backends);
    servers = used.map((port) => new BenchChild([...uvicornExample(python, port), '--workers', String(workers)]));
    await Promise.all(servers.map((server, index) => waitListening(server, used[index]!)));
    await Promise.all(used.map(waitHealthy));
  };
  await switchTo('production');
  return {
    name: 'stop all, start with new numbers',
    url: () => `http://127.0.0.1:${used[turn++ % used.length]}`,
    switchTo,
    queuedP99Ms: () => Promise.resolve(undefined),
    stop: stopAll,
  };
}

async function waitHealthy(port: number): Promise<void> {
  for (;;) {
    const healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return;
  }
}
