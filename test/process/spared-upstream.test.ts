// The last usable upstream is never taken out of traffic for its failures, but somebody comes to its help.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

let folder: string;
let instance: UnderstudyProcess;

afterEach(async () => {
  await instance.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test('the standby is promoted when the only active worker answers 503 to everything but its health path', async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-spared-'));
  instance = await UnderstudyProcess.start({
    backendCount: 2,
    config: {
      command: uvicornCommand('counting_app:app'),
      env: { COUNT_FILE: join(folder, 'counts'), FAULT_DIR: folder },
      modes: { only: { active: 1, standby: 1 } },
    },
  });
  const standby = (await instance.status()).backends[1]!.workers[0]!.pid;
  writeFileSync(join(folder, 'primary'), '503');
  const statuses: number[] = [];
  while (statuses.at(-1) !== 200) {
    const answer = await fetch(`${instance.url}/work?key=${statuses.length}&ms=0`);
    statuses.push(answer.status);
    if (answer.status === 200) expect(await answer.json()).toEqual({ pid: standby });
    else await answer.text();
  }
  // Three failures in a row, which nobody else could have answered, and not one more.
  expect(statuses).toEqual([503, 503, 503, 200]);
  expect((await instance.status()).backends.map(({ role }) => role)).toEqual(['active', 'active']);
}, 60_000);
