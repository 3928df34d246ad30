// Priorities on a real process with threads and a child of its own, read back from the kernel.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readTree } from '../../../pool/resources/process-tree.js';
import { runningHere } from '../../../pool/resources/run-with-deadline.js';
import { ownCpus, prioritiseTree } from '../../../pool/resources/tree-priority.js';
import { threadsOf } from '../../../src/core/threads.js';
import { systemClock } from '../../../src/core/clock.js';

const WITH_CHILD = `
  require('node:child_process').spawn('sleep', ['1000'], { stdio: 'ignore' }).once('spawn', () => process.send('ready'));
  setInterval(() => undefined, 1000);
`;

const means = { clock: systemClock, run: runningHere(systemClock) };

let child: ChildProcess;

beforeEach(async () => {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  child = spawn(process.execPath, ['-e', WITH_CHILD], { detached: true, stdio: [...stdio] });
  await once(child, 'message');
});

afterEach(() => void process.kill(-child.pid!, 'SIGKILL'));

test('every thread of every process of the tree gets the nice, and its session too', async () => {
  expect(await prioritiseTree(child.pid!, { nice: 7 }, means)).toEqual([]);
  const pids = readTree(child.pid!)!.pids;
  expect(pids).toHaveLength(2);
  const threads = pids.flatMap(threadsOf);
  expect(threads.length).toBeGreaterThan(2);
  expect(new Set(threads.map((thread) => getPriority(thread)))).toEqual(new Set([7]));
  const session = `/proc/${child.pid}/autogroup`;
  if (existsSync(session)) expect(readFileSync(session, 'utf8')).toMatch(/nice 7$/m);
});

test('the CPUs are those asked for, in every thread', async () => {
  const one = /\d+/.exec(ownCpus()!)![0];
  expect(await prioritiseTree(child.pid!, { cpus: one }, means)).toEqual([]);
  for (const thread of threadsOf(child.pid!)) {
    const status = readFileSync(`/proc/${child.pid}/task/${thread}/status`, 'utf8');
    expect(/^Cpus_allowed_list:\s+(\S+)/m.exec(status)?.[1]).toBe(one);
  }
});

test('what the system refuses is said in words', async () => {
  const [refusal] = await prioritiseTree(child.pid!, { cpus: '1000' }, means);
  expect(refusal).toMatch(/^taskset -a -c -p: .*affinity/);
});

test('a process that is gone is no failure', async () => {
  expect(await prioritiseTree(2 ** 22 + 1, { nice: 7, io: 'idle', cpus: '0' }, means)).toEqual([]);
});
