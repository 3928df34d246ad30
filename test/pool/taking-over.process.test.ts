// How a pool passes from one Understudy to the next while both live: the next one touches nothing before it is in charge.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PoolEvent, PoolManager } from '../../pool/index.js';
import { launchKeyOf } from '../../pool/launch-key.js';
import type { ManagedBackendOptions } from '../../pool/options.js';
import { isGroupAlive } from '../../pool/process-table.js';
import { signalGroup } from '../../pool/worker-process.js';
import { workerMarks } from '../../pool/worker-place.js';
import { STATE_FILE_NAME } from '../../src/instance-folders.js';
import { createPool, createPoolBench, leftOvers, pidsOf, waitUntil, type PoolBench } from '../support/pool-bench.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const ALL = ['fallback/1', 'primary/1', 'secondary/1'];

let old: PoolBench;
let traffic: RecordingTraffic;
let next: PoolManager;
let stray: number;
const groups = new Set<number>();

beforeEach(async () => {
  // Time enough to see what is done meanwhile.
  old = await createPoolBench({ stop: { drainTimeoutMs: 2_000, streamDrainTimeoutMs: 2_000, graceMs: 50_000 } });
  await old.pool.start();
  await old.pool.hold();
  // Of this pool by its mark, and no worker that the pool has: whoever is in charge ends it.
  const place = { backend: 'elsewhere', number: 1, generation: 1, host: '127.0.0.1', port: 1, key: 'any' };
  const marks = workerMarks(old.dir, place);
  stray = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { ...process.env, ...marks } }).pid!;
  traffic = new RecordingTraffic();
  next = createPool(old.options, traffic);
  next.on('change', () => [...pidsOf(next).values()].forEach((pid) => groups.add(pid)));
});

afterEach(async () => {
  for (const pool of [old.pool, next]) pool.release();
  const all = new Set([stray, ...groups, ...old.groups]);
  for (const group of all) signalGroup(group, 'SIGKILL');
  while (leftOvers(all).length > 0) await setImmediate();
  rmSync(old.dir, { recursive: true, force: true });
});

test('it sees who serves and who is lost, but starts and ends nobody until then', async () => {
  const lost = pidsOf(old.pool).get('primary/1')!;
  await next.start({ adoptOnly: true });
  expect(traffic.ids).toEqual(ALL);
  signalGroup(lost, 'SIGKILL');
  // Traffic hears of it by a refused probe, or by the end of its process.
  await waitUntil(next, () => !pidsOf(next).has('primary/1'));
  expect(traffic.ids).not.toContain('primary/1');
  expect(isGroupAlive(stray)).toBe(true);

  old.pool.release();
  next.takeCharge();
  await waitUntil(next, () => traffic.ids.includes('primary/1'));
  while (isGroupAlive(stray)) await setImmediate();
  await next.stop({});
  expect(leftOvers(new Set([...old.groups, ...groups]))).toEqual([]);
});

test('what was asked of a backend by hand holds until the mode changes', async () => {
  old.pool.resume();
  await old.pool.setMode('validation');
  await old.pool.drain('primary');
  await old.pool.hold();
  await next.start({ adoptOnly: true });
  old.pool.release();
  next.takeCharge();
  await waitUntil(next, () => next.view().mode.converged);
  expect(next.view().backends[0]).toMatchObject({ name: 'primary', byHand: true, role: 'standby' });
  expect(traffic.ids).toEqual(['fallback/1', 'secondary/1', 'secondary/2']);
  await next.setMode('production');
  expect(next.view().backends[0]).toMatchObject({ byHand: false, role: 'active' });
  await next.stop({});
});

test('what was asked of a backend by hand is forgotten where other options leave nobody to take its place', async () => {
  old.pool.resume();
  await old.pool.drain('primary');
  await old.pool.hold();
  next.release();
  const { production } = old.options.modes;
  const modes = { production: { ...production!, active: 1, standby: 0 } };
  next = createPool({ ...old.options, backends: old.options.backends.slice(0, 1), modes }, traffic);
  const told: PoolEvent[] = [];
  next.on('event', (event) => told.push(event));
  await next.start({ adoptOnly: true });
  expect(next.view().backends[0]).toMatchObject({ name: 'primary', byHand: false, wished: 'active' });
  expect(told).toContainEqual(expect.objectContaining({ kind: 'request', backend: 'primary' }));
  old.pool.release();
  next.takeCharge();
  await waitUntil(next, () => next.view().mode.converged);
  expect(traffic.ids).toEqual(['primary/1']);
  await next.stop({});
});

test('let go before it was in charge, it leaves everybody as they are', async () => {
  await next.start({ adoptOnly: true });
  next.release();
  expect(() => next.takeCharge()).toThrow(expect.objectContaining({ code: 'pool-stopping' }));
  for (const group of [stray, ...old.groups]) expect(isGroupAlive(group)).toBe(true);
});

test('stopped before it was in charge, it leaves everybody as they are too', async () => {
  await next.start({ adoptOnly: true });
  await next.stop({});
  expect(() => next.takeCharge()).toThrow(expect.objectContaining({ code: 'pool-stopping' }));
  for (const group of [stray, ...old.groups]) expect(isGroupAlive(group)).toBe(true);
  expect(existsSync(join(old.dir, STATE_FILE_NAME))).toBe(true);
});

test('in charge it replaces who is lost, though what does not fit takes its time to end', async () => {
  signalGroup(stray, 'SIGKILL');
  const place = { backend: 'elsewhere', number: 1, generation: 1, host: '127.0.0.1', port: 1, key: 'any' };
  const deaf = ['-c', 'trap "" TERM; echo deaf; while :; do sleep 600; done'];
  const env = { ...process.env, ...workerMarks(old.dir, place) };
  const child = spawn('sh', deaf, { detached: true, stdio: ['ignore', 'pipe', 'ignore'], env });
  stray = child.pid!;
  await once(child.stdout, 'data');
  const lost = pidsOf(old.pool).get('primary/1')!;
  await next.start({ adoptOnly: true });
  signalGroup(lost, 'SIGKILL');
  await waitUntil(next, () => !traffic.ids.includes('primary/1'));

  old.pool.release();
  next.takeCharge();
  await waitUntil(next, () => traffic.ids.includes('primary/1'));
  expect(isGroupAlive(stray)).toBe(true);
  const hurry = new AbortController();
  const stopped = next.stop({ hurry: hurry.signal });
  hurry.abort();
  await stopped;
  expect(isGroupAlive(stray)).toBe(false);
});

test('let go while it ends what does not fit, it starts nobody', async () => {
  old.pool.release();
  for (const group of old.groups) signalGroup(group, 'SIGKILL');
  while (leftOvers(old.groups).length > 0) await setImmediate();
  const started = next.start();
  next.release();
  await expect(started).rejects.toMatchObject({ code: 'pool-stopping' });
  expect(pidsOf(next)).toEqual(new Map());
  expect(traffic.ids).toEqual([]);
});

test('what a worker that lives on has sent into the background is left alone', async () => {
  signalGroup(stray, 'SIGKILL');
  const { host } = old.options.backends[0] as { readonly host: string };
  const marks = workerMarks(old.dir, { backend: 'primary', number: 1, generation: 1, host, port: 1, key: 'any' });
  const daemon = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { ...process.env, ...marks } }).pid!;
  groups.add(daemon);
  await next.start({ adoptOnly: true });
  old.pool.release();
  next.takeCharge();
  await waitUntil(next, () => next.view().mode.converged);
  await next.setMode('production');
  expect(isGroupAlive(daemon)).toBe(true);
  await next.stop({});
});

test.each([
  ['a worker that was lost as well', false],
  ['a worker that no state file tells of any more', true],
])('what is left in the background of %s is ended and not taken for that worker', async (_of, forgotten) => {
  signalGroup(stray, 'SIGKILL');
  const before = pidsOf(old.pool);
  const backend = old.options.backends[0] as ManagedBackendOptions;
  const key = launchKeyOf(old.options, backend, 1);
  const marks = workerMarks(old.dir, { ...backend, backend: backend.name, number: 1, generation: 1, key });
  stray = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { ...process.env, ...marks } }).pid!;
  const lost = before.get('primary/1')!;
  signalGroup(lost, 'SIGKILL');
  while (leftOvers(new Set([lost])).length > 0) await setImmediate();
  old.pool.release();
  if (forgotten) rmSync(join(old.dir, STATE_FILE_NAME));
  await next.start();
  await waitUntil(next, () => next.view().mode.converged);
  expect(traffic.ids).toEqual(ALL);
  expect(pidsOf(next)).toEqual(new Map<string, unknown>([...before, ['primary/1', expect.any(Number)]]));
  while (isGroupAlive(stray)) await setImmediate();
  await next.stop({});
});

test('what is left of a worker that can no longer be known is asked to end, and ended, before another has its port', async () => {
  signalGroup(stray, 'SIGKILL');
  signalGroup(pidsOf(old.pool).get('primary/1')!, 'SIGKILL');
  const { host, port } = old.options.backends[0] as { readonly host: string; readonly port: number };
  const place = { backend: 'primary', number: 1, generation: 1, host, port, key: 'any' };
  // Its leader has written over its environment, as it is done to have another title; the server below it holds the port.
  const marks = Object.entries(workerMarks(old.dir, place)).map(([name, value]) => `${name}=${value}`);
  const server = 'require("net").createServer().listen(+process.env.UNDERSTUDY_PORT, () => console.log("listens"))';
  const script = 'trap "echo asked; exit" TERM; env "$@" & wait';
  const args = ['-c', script, 'leader', ...marks, process.execPath, '-e', server];
  while (leftOvers(new Set([pidsOf(old.pool).get('primary/1')!])).length > 0) await setImmediate();
  const leader = spawn('sh', args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  stray = leader.pid!;
  const closed = once(leader, 'close');
  const told: string[] = [];
  leader.stdout.setEncoding('utf8').on('data', (text: string) => told.push(text));
  await once(leader.stdout, 'data');
  old.pool.release();
  await next.start();
  await waitUntil(next, () => next.view().mode.converged);
  expect(traffic.ids).toEqual(ALL);
  await closed;
  expect(told.join('')).toBe('listens\nasked\n');
  expect(isGroupAlive(stray)).toBe(false);
  expect(next.view().backends[0]!.workers[0]!.restarts).toBe(0);
  await next.stop({});
});
