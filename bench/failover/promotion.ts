// How fast our standby takes over, and whether a request was lost: in validation mode under load, kill -9 of one active
// worker and, every second round, of all four. Three times are taken: from the kill to the first answer by the standby (a
// client's view), from the exit seen to the standby routed (ours alone), and from the exit seen to its first answer in traffic.

import { ClientLoad } from '../../src/chaos/client-load.js';
import { systemClock } from '../../src/core/clock.js';
import { BenchInstance } from '../support/instance.js';
import type { Row } from '../support/report.js';
import { median } from '../support/statistics.js';
import { KILLED_ON_PURPOSE, untilValidationStands } from './fronts.js';

const CONNECTIONS = 16;
/** Load enough to have requests in flight at any moment, and no contest for the CPU. */
const THINK_MS = 5;
interface Sample {
  readonly victims: 'one' | 'all';
  readonly killToAnswerMs: number;
  readonly exitToRoutedMs: number;
  readonly exitToAnswerMs: number;
}

/** The load, its failures, and who answers. */
class WatchedLoad {
  readonly failures: string[] = [];
  answered = 0;
  onAnswer: (port: number) => void = () => undefined;
  readonly #load: ClientLoad;

  constructor(url: string) {
    this.#load = new ClientLoad({
      url: () => url,
      connections: CONNECTIONS,
      thinkMs: THINK_MS,
      clock: systemClock,
      next: () => ({ method: 'GET', path: '/' }),
      onOutcome: ({ failure, status = 0 }, body) => {
        if (failure !== undefined || status >= 400) return void this.failures.push(failure ?? `status ${status}`);
        this.answered += 1;
        return this.onAnswer((JSON.parse(body) as { port: number }).port);
      },
    });
  }

  stop(): Promise<void> {
    return this.#load.stop();
  }
}

async function oneRound(instance: BenchInstance, load: WatchedLoad, victims: 'one' | 'all'): Promise<Sample> {
  await untilValidationStands(instance);
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

export interface PromotionOptions {
  /** What the workers are called in the table. */
  readonly name: string;
  readonly command: readonly string[];
  readonly rounds: number;
  /** How cold the standby is. */
  readonly tier?: Tier;
}

export type Tier = (typeof TIERS)[number];

export const TIERS = ['hot', 'frozen', 'asleep', 'cold'] as const;

/** What replaces the killed ones would be there as soon as a standby that must be started too, and nothing would be measured. */
const SLOW_RETURN = {
  failbackAfter: '3s',
  restart: { ...KILLED_ON_PURPOSE, initialBackoff: '4s', maxBackoff: '4s' },
};

/** There is no GPU memory to give back here: what is measured is the way there, not what a model server does on it. */
const EMPTY_HOOK = { command: ['true'] };

export async function measurePromotions(options: PromotionOptions): Promise<Row[]> {
  const { name, command, rounds, tier = 'frozen' } = options;
  const instance = await BenchInstance.start({
    config: {
      command,
      ...(tier === 'cold' ? SLOW_RETURN : { failbackAfter: '500ms', restart: KILLED_ON_PURPOSE }),
      modes: {
        production: { active: 3 },
        validation: { active: 2, workers: 2, standby: 1, temperature: tier },
      },
      ...(tier === 'asleep' ? { sleep: { demote: EMPTY_HOOK, promote: EMPTY_HOOK } } : {}),
    },
    args: ['--validation'],
  });
  const load = new WatchedLoad(instance.url);
  const samples: Sample[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
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
  { samples, load }: { samples: readonly Sample[]; load: WatchedLoad },
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
