// Every request under every fault, with exact accounts, on real uvicorn: each GET is answered by the app; each POST is
// answered and was executed once, or failed with a code of ours and was executed at most once.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedEvent } from '../../src/admin/logged-event.js';
import { AccountedLoad, type AccountedRequest } from '../support/accounted-load.js';
import { UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const CONNECTIONS = 8;
/** What the ledger can say when a request that must not be repeated was with the worker that was lost. */
const NOT_REPEATABLE = /^(upstream-reset|upstream-drained|first-byte-timeout)$/;

let folder: string;
let instance: UnderstudyProcess;
let load: AccountedLoad;
let loads = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-accounts-'));
  instance = await UnderstudyProcess.start({
    config: {
      command: uvicornCommand('counting_app:app'),
      env: { COUNT_FILE: join(folder, 'counts'), FAULT_DIR: folder },
      mode: 'validation',
      failbackAfter: '500ms',
      health: { interval: '500ms', timeout: '1s' },
      stop: { grace: '1s' },
      // Each test loses the same worker once more: to the pool that looks like a crash loop.
      restart: { maxBackoff: '500ms', crashLoopLimit: 1_000 },
    },
  });
}, 120_000);

afterAll(async () => {
  await instance.dispose();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  load = new AccountedLoad(instance.url, { connections: CONNECTIONS, name: `load${(loads += 1)}` });
  await load.waitFor(100);
});

afterEach(async () => {
  await load.stop();
  order('start', 'well');
  order('primary', 'well');
});

function order(what: 'start' | 'primary', how: 'well' | 'slow' | 'crash' | '503' | 'reset'): void {
  writeFileSync(join(folder, what), how);
}

/** How often each key was executed, by method. */
function executions(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(folder, 'counts'), 'utf8').trim().split('\n')) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

type MayFail = (request: AccountedRequest) => boolean;

const byOurWord: MayFail = ({ reason }) => NOT_REPEATABLE.test(reason ?? '');

/** Ends the load and holds each of its requests against what the app executed. */
async function expectExactAccounts(mayFail = byOurWord): Promise<void> {
  await load.waitFor(100);
  const requests = await load.stop();
  // Whatever failed has given everything back.
  await instance.waitForStatusChange(({ front }) => front.inflight === 0 && front.waiting === 0);
  const executed = executions();
  const wrong = requests.filter((request) => {
    const times = executed.get(`${request.method} ${request.key}`) ?? 0;
    if (request.method === 'GET') return request.status !== 200 || times < 1;
    if (request.status === 200) return times !== 1;
    return times > 1 || !mayFail(request);
  });
  expect(wrong).toEqual([]);
}

async function waitUntilWhole(isReplaced: (pids: readonly (number | null)[]) => boolean): Promise<void> {
  await instance.waitForStatus(({ mode, backends }) => {
    const workers = backends.flatMap((backend) => backend.workers);
    const isAsBefore = backends.map(({ role }) => role).join() === 'active,active,standby';
    return mode.converged && isAsBefore && isReplaced(workers.map(({ pid }) => pid));
  });
}

/** The fault strikes the first worker; resolves once another process is in its place and the standby rests again. */
async function lose(fault: (victim: { pid: number; url: string }) => Promise<unknown>): Promise<void> {
  const { pid, url } = (await instance.status()).backends[0]!.workers[0]!;
  await fault({ pid: pid!, url: url });
  await waitUntilWhole((pids) => !pids.includes(pid) && !pids.includes(null));
}

/** Until a breaker has opened over it, and all is well again. */
async function burst(how: '503' | 'reset'): Promise<void> {
  const from = Date.now();
  const isOpened = ({ cause, worker, at }: LoggedEvent) =>
    worker?.startsWith('primary') === true && cause === 'its breaker is open' && at >= from;
  const opened = instance.waitForEvent(isOpened);
  order('primary', how);
  await opened;
  order('primary', 'well');
  await waitUntilWhole(() => true);
}

const signal = (pid: number, name: NodeJS.Signals) => Promise.resolve(process.kill(pid, name));

describe('every request has its place in the accounts when', () => {
  test('a worker is killed', async () => {
    await lose(({ pid }) => signal(pid, 'SIGKILL'));
    await expectExactAccounts();
  });

  test('every active worker is killed at once', async () => {
    const victims = await instance.workerPids('active');
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await waitUntilWhole((pids) => !pids.some((pid) => pid === null || victims.includes(pid)));
    await expectExactAccounts();
  });

  test('a worker is stopped by somebody else', async () => {
    await lose(({ pid }) => signal(pid, 'SIGSTOP'));
    await expectExactAccounts();
  });

  test('a worker hangs without using CPU', async () => {
    let hung: Promise<unknown> | undefined;
    await lose(({ url }) => {
      hung = fetch(`${url}/hang`).catch(() => undefined);
      return Promise.resolve();
    });
    await hung;
    await expectExactAccounts();
  });

  test('a worker closes its port', async () => {
    await lose(({ url }) => fetch(`${url}/refuse`));
    await expectExactAccounts();
  });

  test('a backend answers 503 for a while', async () => {
    await burst('503');
    // A POST that the app itself answered with 503 is answered; it was executed, so it is nobody else's to execute.
    await expectExactAccounts(({ status, reason }) => status === 503 && reason === undefined);
  });

  test('a backend breaks off in the middle of its answers for a while', async () => {
    await burst('reset');
    // The client had the beginning of the answer: all that is left is to break off.
    await expectExactAccounts((request) => byOurWord(request) || typeof request.status === 'string');
  });

  test('a worker is killed and crashes at its next starts', async () => {
    order('start', 'crash');
    const crashed = instance.waitForEvent(({ from, to }) => from === 'starting' && to === 'failed');
    await lose(async ({ pid }) => {
      process.kill(pid, 'SIGKILL');
      await crashed;
      order('start', 'well');
    });
    await expectExactAccounts();
  });

  test('a worker is killed and starts slowly', async () => {
    order('start', 'slow');
    await lose(({ pid }) => signal(pid, 'SIGKILL'));
    await expectExactAccounts();
  });

  test('the mode is switched there and back', async () => {
    expect(await instance.command('--no-validation')).toMatchObject({ code: 0 });
    expect(await instance.command('--validation')).toMatchObject({ code: 0 });
    await expectExactAccounts(() => false);
  });

  test('a backend is restarted', async () => {
    expect(await instance.command('restart', 'primary')).toMatchObject({ code: 0 });
    await expectExactAccounts(() => false);
  });
});
