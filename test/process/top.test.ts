// `understudy top` as somebody starts it: down a pipe, and for an instance that ends meanwhile.
import { afterEach, expect, test } from '@jest/globals';
import { runCli, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess | undefined;

afterEach(async () => {
  await instance?.dispose();
  instance = undefined;
});

test('down a pipe it tells once what went on in an interval, or as often as it is asked to', async () => {
  instance = await UnderstudyProcess.start();
  // The first look at the machine may be older than the workers.
  await instance.waitForStatusChange(({ resources }) => resources?.workers.length === 3);
  const once = await instance.command('top', '--interval', '100ms');
  expect(once).toMatchObject({ code: 0, stderr: '' });
  expect(once.stdout).toMatch(/^mode {5}production\ntraffic {2}0 requests\/s, 0 in flight, 0 waiting\nmachine {2}/);
  expect(once.stdout).toMatch(/^fallback {3}active +fallback\/1 +active +well +0 +0 +0 +closed +\S+ +\d+ MiB/m);
  const twice = await instance.command('top', '--interval', '100ms', '--count', '2');
  expect(twice.stdout.match(/^mode /gm)).toHaveLength(2);
});

test.each([
  ['--interval', 'soon', /--interval: 'soon' is not accepted; accepted: 100ms to 1h/],
  ['--interval', '1ms', /--interval: '1ms'/],
  ['--count', 'all', /--count: 'all' is not accepted; accepted: a whole number/],
])('%s %s is refused before any instance is asked', async (flag, value, message) => {
  expect(await runCli(['top', flag, value])).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});

test('without an instance it says so', async () => {
  const told = await runCli(['top', '--admin-port', '1']);
  expect(told).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/no running instance/) });
});
