import { getPriority } from 'node:os';
import { expect, test } from '@jest/globals';
import type { ModeOptions } from '../../pool/options.js';
import { nextTurn } from '../../src/core/clock.js';
import { firstCpus, WorkerPriorities } from '../../pool/worker-priorities.js';
import { ownCpus } from '../../pool/resources/tree-priority.js';
import type { Priority } from '../../src/core/priority.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';

const BASE: ModeOptions = { active: 1, workers: 1, standby: 0, temperature: 'hot' };

async function setUp(priorities: Readonly<Record<string, Priority>>) {
  const runtime = new FakeWorkerRuntime(new ManualClock());
  const refused: string[] = [];
  const weightless: string[] = [];
  const modes = Object.fromEntries(Object.entries(priorities).map(([name, priority]) => [name, { ...BASE, priority }]));
  const subject = new WorkerPriorities(() => modes, {
    runtime,
    onRefused: (id, text) => refused.push(`${id}: ${text}`),
    onWeightless: (why) => weightless.push(why),
  });
  const spec = { backend: 'a', worker: 1, generation: 1, command: [], cwd: '/', env: {}, logFile: '' };
  const launch = async (id: string) => ({ id, process: await runtime.launch({ id, ...spec }) });
  const workers = [await launch('a/1'), await launch('a/2')];
  return { runtime, refused, weightless, subject, workers };
}

test('no process is touched when no mode has a priority', async () => {
  const { runtime, subject, workers } = await setUp({ production: {}, validation: {} });
  subject.ensure('validation', workers);
  expect(runtime.priorities).toEqual([]);
});

test('each process is given its priority once, and has it taken back when the mode ends', async () => {
  const { runtime, subject, workers } = await setUp({ production: {}, validation: { nice: 5, io: 'idle' } });
  subject.ensure('validation', workers);
  subject.ensure('validation', workers);
  await nextTurn();
  expect(runtime.priorities.map(({ priority }) => priority)).toEqual(Array(2).fill({ nice: 5, io: 'idle' }));
  subject.ensure('production', workers);
  expect(runtime.priorities.slice(2).map(({ priority }) => priority)).toEqual(
    Array(2).fill({ nice: getPriority(), io: 4 }),
  );
});

test('a new process of the same worker is given it again', async () => {
  const { runtime, subject, workers } = await setUp({ validation: { nice: 5 } });
  subject.ensure('validation', workers.slice(0, 1));
  subject.ensure('validation', [{ id: 'a/1', process: workers[1]!.process }]);
  expect(runtime.priorities).toHaveLength(2);
});

test('a weight is given live, and the usual one is given back', async () => {
  const { runtime, weightless, subject, workers } = await setUp({ production: {}, validation: { weight: 400 } });
  for (const mode of ['production', 'validation', 'production']) {
    subject.ensure(mode, workers.slice(0, 1));
    await nextTurn();
  }
  expect(runtime.priorities.map(({ priority }) => priority)).toEqual([
    { weight: 100 },
    { weight: 400 },
    { weight: 100 },
  ]);
  expect(weightless).toEqual([]);
});

test('that no weight can be given is told once, and the rest is given all the same', async () => {
  const other = getPriority() + 1;
  const { runtime, weightless, subject, workers } = await setUp({
    production: { weight: 50 },
    validation: { nice: other },
  });
  runtime.weightless = 'there is no cgroup v2';
  for (const mode of ['production', 'validation', 'production']) {
    subject.ensure(mode, workers);
    await nextTurn();
  }
  expect(weightless).toEqual(['there is no cgroup v2']);
  expect(runtime.priorities[2]).toMatchObject({ priority: { nice: other } });
  expect(runtime.priorities.some(({ priority }) => 'weight' in priority)).toBe(false);
});

test('a refusal is told with the worker, once', async () => {
  const { runtime, refused, subject, workers } = await setUp({ validation: { nice: -5 } });
  runtime.refusals = ['nice -5: no'];
  subject.ensure('validation', workers.slice(0, 1));
  subject.ensure('validation', workers.slice(0, 1));
  await Promise.resolve();
  expect(refused).toEqual(['a/1: nice -5: no']);
});

test.each([
  ['0-3', 0.5, '0,1'],
  ['0-3,8', 0.2, '0'],
  ['2', 0.1, '2'],
  ['0-3', 1, '0-3'],
])('of the CPUs %s a share of %d is %s', (all, share, expected) => {
  expect(firstCpus(all, share)).toBe(expected);
});

test('a share of the CPUs holds for the mode that has it, and gives way to CPUs by name', async () => {
  const shares = async (mode: Partial<ModeOptions>) => {
    const { runtime, workers } = await setUp({});
    const modes = { production: BASE, validation: { ...BASE, ...mode } };
    const ignore = () => undefined;
    const subject = new WorkerPriorities(() => modes, { runtime, onRefused: ignore, onWeightless: ignore });
    for (const name of ['production', 'validation']) {
      subject.ensure(name, workers.slice(0, 1));
      await nextTurn();
    }
    return runtime.priorities.map(({ priority }) => priority.cpus);
  };
  const all = ownCpus()!;
  expect(await shares({ cpuShare: 0.01 })).toEqual([all, firstCpus(all, 0.01)]);
  expect(await shares({ cpuShare: 0.01, priority: { cpus: all } })).toEqual([all]);
});

test('one that is still being given another is given the last one wished, and none in between', async () => {
  const { runtime, subject, workers } = await setUp({ a: { nice: 1 }, b: { nice: 2 }, c: { nice: 3 } });
  const given: unknown[] = [];
  const done: (() => void)[] = [];
  runtime.prioritise = async (_process, { nice }) => {
    given.push(nice);
    await new Promise<void>((resolve) => done.push(resolve));
    return [];
  };
  for (const mode of ['a', 'b', 'c']) subject.ensure(mode, workers.slice(0, 1));
  expect(given).toEqual([1]);
  done.shift()!();
  await nextTurn();
  expect(given).toEqual([1, 3]);
  done.shift()!();
  await nextTurn();
  expect(given).toEqual([1, 3]);
});
