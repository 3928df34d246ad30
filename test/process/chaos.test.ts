import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf, environmentOf } from '../../pool/process-table.js';
import { acts } from '../../src/chaos/acts.js';
import { runActs } from '../../src/chaos/chaos-run.js';
import { RehearsalInstance } from '../../src/chaos/rehearsal-instance.js';
import { parseConfig } from '../../src/config/parse-config.js';
import { systemClock } from '../../src/core/clock.js';
import { runCli } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

/** One of each kind: death, silence, a closed port, bad answers, broken answers. All of them take a minute. */
const PLAYED = ['kill -9 of all', 'SIGSTOP of one', 'refuse', '503 burst', 'reset mid-body'];
const UVICORN = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));

let folder = '';
let instance: RehearsalInstance | undefined;

afterEach(async () => {
  await instance?.stop();
  instance = undefined;
  rmSync(folder, { recursive: true, force: true });
});

describe('chaos on real uvicorn', () => {
  test('loses no request that could be repeated at faults of every kind, and the pool recovers from each', async () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
    const config = parseConfig({ command: UVICORN });
    instance = await RehearsalInstance.start({ config, mode: 'validation', folder });
    const report = await runActs({
      instance,
      folder,
      modes: Object.keys(config.modes),
      acts: acts.filter(({ name }) => PLAYED.includes(name)),
      forMs: Infinity,
      rounds: 1,
      connections: 4,
      next: () => ({ method: 'GET', path: '/' }),
      clock: systemClock,
      random: () => 0,
    });
    expect(report).toMatchObject({ failed: 0, avoidable: 0, causes: new Map() });
    expect(report.acts.map(({ name, times }) => [name, times])).toEqual(PLAYED.map((name) => [name, 1]));
    expect(report.promotions.length).toBeGreaterThan(0);
  }, 120_000);
});

describe('understudy chaos', () => {
  test('breaks nothing of the user without consent', async () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
    const refused = await runCli(['chaos', '--', 'no-such-program', '{port}']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('Say --yes if that is fine');
  });

  test('breaks what it was asked to, whatever the environment would have run elsewhere', async () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
    const elsewhere = { OMNIMIND_APP: 'not.there:app', OMNIMIND_PORTS: '1,2,3', OMNIMIND_VALIDATION_MODE: 'true' };
    Object.assign(process.env, elsewhere);
    try {
      instance = await RehearsalInstance.start({
        config: parseConfig({ command: UVICORN }),
        mode: 'production',
        folder,
      });
    } finally {
      for (const name of Object.keys(elsewhere)) delete process.env[name];
    }
    const { mode, backends } = await instance.status();
    expect(mode.current).toBe('production');
    expect(backends.map(({ port }) => port)).not.toContain(1);
    const [worker] = await instance.activeWorkers();
    expect(commandOf(worker!.pid!)).toContain('faulty-worker');
    const seen = environmentOf(worker!.pid!)!;
    expect(Object.keys(elsewhere).map((name) => seen.get(name))).toEqual(Object.values(elsewhere));
  });

  test('says what the workers said when they do not start', async () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
    const failed = await runCli(['chaos', '--yes', '--for', '1s', '--', 'no-such-program', '{port}']);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('no-such-program');
  });
});
