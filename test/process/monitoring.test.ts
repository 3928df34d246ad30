// What the examples of monitoring say, before the real programs: Prometheus scrapes a running instance by the example's
// config, and every panel of the Grafana dashboard asks for something that is there.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { freePorts } from '../support/free-port.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

const EXAMPLE = join(process.cwd(), 'examples', 'monitoring');

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

let instance: UnderstudyProcess;
let prometheus: ChildProcess;
let api: string;

beforeEach(async () => {
  instance = await UnderstudyProcess.start();
  const [port] = await freePorts(1);
  api = `http://127.0.0.1:${port}/api/v1`;
  const config = join(instance.folder, 'prometheus.yml');
  const example = readFileSync(join(EXAMPLE, 'prometheus.yml'), 'utf8');
  writeFileSync(
    config,
    example.replace(':9001', `:${instance.adminPort}`).replace('scrape_interval: 5s', 'scrape_interval: 1s'),
  );
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.tsdb.path=${join(instance.folder, 'tsdb')}`,
    ],
    { stdio: 'ignore' },
  );
});

afterEach(async () => {
  prometheus.kill('SIGTERM');
  if (prometheus.exitCode === null) await once(prometheus, 'exit');
  await instance.dispose();
});

/** What Prometheus answers to a query; undefined while it does not answer at all. */
async function ask(query: string): Promise<readonly { readonly value: readonly [number, string] }[] | undefined> {
  try {
    const response = await fetch(`${api}/query?query=${encodeURIComponent(query)}`);
    const { status, data, error } = (await response.json()) as {
      status: string;
      error?: string;
      data?: { result: { value: [number, string] }[] };
    };
    if (status !== 'success') throw new SyntaxError(`${query}: ${error}`);
    return data!.result;
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    return undefined;
  }
}

async function waitForValue(query: string, value: string): Promise<void> {
  while ((await ask(query))?.[0]?.value[1] !== value) await setImmediate();
}

describe('the monitoring example', () => {
  test('is scraped by a real Prometheus, and its dashboard asks for what is there', async () => {
    await waitForValue('up{job="understudy"}', '1');
    for (let count = 0; count < 5; count += 1) await (await fetch(instance.url)).text();
    await waitForValue('sum(understudy_requests_total{job="understudy"})', '5');

    const exposed = await (await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`)).text();
    const { panels } = JSON.parse(readFileSync(join(EXAMPLE, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
    expect(panels.length).toBeGreaterThan(10);
    for (const { expr } of panels.flatMap(({ targets }) => targets)) {
      // Prometheus has parsed it, and we have such a metric.
      expect(await ask(expr.replaceAll('$instance', '.*'))).toBeDefined();
      for (const [name] of expr.matchAll(/understudy_\w+/g))
        expect(exposed).toContain(`# TYPE ${name.replace(/_bucket$/, '')} `);
    }
  });
});
