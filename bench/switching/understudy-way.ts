// Our way: the mode of a running instance is set, and it converges.

import { parseMetrics, quantileSince } from '../../src/chaos/metrics-reading.js';
import { BenchInstance } from '../support/instance.js';
import type { Switched } from './switched.js';

export async function startUnderstudyWay(name: string, command: readonly string[]): Promise<Switched> {
  const instance = await BenchInstance.start({ config: { command } });
  const scrape = async () => {
    const answer = await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`);
    return parseMetrics(await answer.text());
  };
  return {
    name,
    url: () => instance.url,
    switchTo: (mode) => instance.setMode(mode),
    queuedP99Ms: async () => {
      const seconds = quantileSince('understudy_queue_seconds', 0.99, { before: [], after: await scrape() });
      return seconds * 1000;
    },
    stop: () => instance.stop(),
  };
}
