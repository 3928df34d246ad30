import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { findPortHolder } from '../../pool/port-probe.js';
import { commandOf, isGroupAlive, listenerOf, membersOf, readProcess } from '../../pool/process-table.js';
import { parseStat } from '../../src/core/process-stat.js';
import { readTreeVitals } from '../../pool/resources/process-tree.js';

const FIELDS = 'S 1 77 77 0 -1 4194560 9 0 0 0 11 5 0 0 20 0 1 0 4242 1000000 25 18446744073709551615';

test.each([
  ['a plain name', `77 (server) ${FIELDS}`],
  ['blanks and parentheses in the name', `77 (a) b (c) ${FIELDS}`],
])('a stat line is read right with %s', (_, line) => {
  expect(parseStat(line)).toEqual({
    pid: 77,
    state: 'S',
    parent: 1,
    group: 77,
    foregroundGroup: -1,
    threads: 1,
    startTicks: 4_242,
    cpuTicks: 16,
    residentBytes: 25 * 4_096,
  });
});

test.each(['', '77 (cut', '77 (cut) S 1 2'])('a stat line that is cut short is no process: %j', (line) => {
  expect(parseStat(line)).toBeUndefined();
});

test('a process and its group are seen while they live and not after', async () => {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  expect(commandOf(child.pid!)).toBe('sleep 1000');
  expect(membersOf(child.pid!).map(({ pid }) => pid)).toEqual([child.pid]);
  expect(readTreeVitals(child.pid!)).toMatchObject({ stopped: false });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readProcess(child.pid!)).toBeUndefined();
  expect(readTreeVitals(child.pid!)).toBeUndefined();
});

test('a group is gone once all of it has ended, collected or not', async () => {
  const script = `
import os, time
pid = os.fork()
if pid == 0:
    os.setsid()
    os._exit(0)
print(pid, flush=True)
time.sleep(1000)`;
  const parent = spawn('/usr/bin/python3', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const group = Number(line);
    while (readProcess(group)!.state !== 'Z') await setImmediate();
    expect(() => process.kill(-group, 0)).not.toThrow();
    expect(isGroupAlive(group)).toBe(false);
    expect(isGroupAlive(readProcess(process.pid)!.group)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
});

test('the listener of a port is found, and named to whoever asks for the port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(listenerOf(port)).toBe(process.pid);
  expect(await findPortHolder('127.0.0.1', port)).toContain(`process ${process.pid}`);
  await once(server.close(), 'close');
  expect(await findPortHolder('127.0.0.1', port)).toBeUndefined();
});
