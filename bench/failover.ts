// `npm run bench:failover`: how fast the standby takes over, and whether a request was lost. In validation mode under
// load, kill -9 of one active worker and, every second round, of all four. Three times are taken: from the kill to the
// first answer by the standby (a client's view), from the exit seen to the standby routed (ours alone), and from the exit
// seen to its first answer in traffic.

import { request, Agent, type IncomingMessage } from 'node:http';
import { BenchInstance } from './support/instance.js';
import { readBenchOptions } from './support/bench-options.js';
import { printTable, writeResults, type Row } from './support/report.js';
import { median } from './support/statistics.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';

const CONNECTIONS = 16;
/** Workers that we kill again and again are no crash loop. */
const KILLED_ON_PURPOSE = { maxBackoff: '250ms', crashLoopLimit: 1_000_000 };
const options = readBenchOptions({ rounds: 24, seconds: 0 });

/** Closed-loop load that notes who answered last and what failed. */
class Load {
  readonly failures: string[] = [];
  answered = 0;
  onAnswer: (port: number) => void = () => undefined;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #stopped = false;
  readonly #loops: readonly Promise<void>[];

  constructor(url: string) {
    this.#loops = Array.from({ length: CONNECTIONS }, () => this.#loop(url));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
  }

  async #loop(url: string): Promise<void> {
    while (!this.#stopped) {
      try {
        const port = await this.#ask(url);
        this.answered += 1;
        this.onAnswer(port);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  #ask(url: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: this.#agent }, (response: IncomingMessage) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += String(chunk)));
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve((JSON.parse(text) as { port: number }).port);
          else reject(new Error(`status ${response.statusCode}: ${text}`));
        });
      });
      sent.once('error', reject);
      sent.end();
    });
  }
}

interface Sample {
  readonly victims: 'one' | 'all';
  readonly killToAnswerMs: number;
  readonly exitToRoutedMs: number;
  readonly exitToAnswerMs: number;
}

async function oneRound(instance: BenchInstance, load: Load, victims: 'one' | 'all'): Promise<Sample> {
  await converged(instance);
  const pids = (await instance.admin.status()).backends
    .filter(({ role }) => role === 'active')
    .flatMap(({ workers }) => workers.map(({ pid }) => pid!));
  const standbyPort = instance.backendPorts[2];
  const answered = new Promise<number>((resolve) => {
    load.onAnswer = (port) => port === standbyPort && resolve(performance.now());
  });
  const killedAt = performance.now();
  for (const pid of victims === 'one' ? pids.slice(0, 1) : pids) process.kill(pid, 'SIGKILL');
  const answeredAt = await answered;
  const { promotion } = (await untilStatus(instance, ({ promotion }) => promotion?.provenMs !== undefined))!;
  return {
    victims,
    killToAnswerMs: answeredAt - killedAt,
    exitToRoutedMs: promotion!.routedMs,
    exitToAnswerMs: promotion!.provenMs!,
  };
}

type StandbyStatus = Awaited<ReturnType<BenchInstance['admin']['status']>>['backends'][number];

/** The standby's status, once it satisfies the predicate; looks again at each event. */
async function untilStatus(
  instance: BenchInstance,
  accepts: (standby: StandbyStatus) => boolean,
): Promise<StandbyStatus | undefined> {
  for (;;) {
    const standby = (await instance.admin.status()).backends[2]!;
    if (accepts(standby)) return standby;
  }
}

/** The shape of validation stands: four active workers, the standby back at rest. */
async function converged(instance: BenchInstance): Promise<void> {
  for (;;) {
    const { backends } = await instance.admin.status();
    const active = backends.flatMap(({ workers }) => workers).filter(({ state }) => state === 'active');
    if (backends[2]?.role === 'standby' && backends[2].workers[0]?.state === 'standby' && active.length === 4) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function measure(name: string, config: Readonly<Record<string, unknown>>): Promise<Row[]> {
  const instance = await BenchInstance.start({
    config: { ...config, failbackAfter: '500ms', restart: KILLED_ON_PURPOSE },
    args: ['--validation'],
  });
  const load = new Load(`${instance.url}/`);
  const samples: Sample[] = [];
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      samples.push(await oneRound(instance, load, round % 2 === 0 ? 'one' : 'all'));
    }
  } finally {
    await load.stop();
    await instance.stop();
  }
  console.log(`${name}: ${load.answered} requests answered, ${load.failures.length} failed`);
  for (const failure of load.failures.slice(0, 5)) console.log(`  ${failure}`);
  return (['one', 'all'] as const).map((victims) => summarise(name, victims, { samples, load }));
}

function summarise(
  name: string,
  victims: 'one' | 'all',
  { samples, load }: { samples: readonly Sample[]; load: Load },
): Row {
  const own = samples.filter((sample) => sample.victims === victims);
  const both = (pick: (sample: Sample) => number) => {
    const values = own.map(pick);
    return `${median(values).toFixed(2)} / ${Math.max(...values).toFixed(2)}`;
  };
  return {
    workers: name,
    killed: victims === 'one' ? 'one of four' : 'all four',
    rounds: own.length,
    'kill to first answer ms': both((sample) => sample.killToAnswerMs),
    'exit seen to routed ms': both((sample) => sample.exitToRoutedMs),
    'exit seen to answer ms': both((sample) => sample.exitToAnswerMs),
    'failed (all rounds)': load.failures.length,
  };
}

const rows = await measure('demo', {});
const python = findPython();
if (python !== undefined) rows.push(...(await measure('uvicorn', { command: uvicornExample(python, '{port}') })));
printTable(`kill -9 under ${CONNECTIONS} connections of load: median / worst`, rows);
writeResults('failover', rows);
