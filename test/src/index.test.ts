import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';

/** What a program would notice: our answers to its signals and its faults, output, or not coming to its end. */
const EVENTS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection'];

test('importing understudy-lb does nothing that a program would notice', () => {
  const program = `
    await import('understudy-lb');
    const heard = ${JSON.stringify(EVENTS)}.filter((name) => process.listenerCount(name) > 0);
    if (heard.length > 0) console.log(heard.join());
  `;
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], options);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('understudy-lb tells every problem of a config that is not right', async () => {
  const { ConfigError, parseConfig } = await import('../../src/index.js');
  const wrong = () => parseConfig({ front: { port: 70_000 }, lane: 'slow' });
  expect(wrong).toThrow(ConfigError);
  expect(wrong).toThrow(/front\.port[\s\S]*lane/);
});
