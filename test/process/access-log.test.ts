import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

/** Everything that was written, once the instance has ended. */
async function linesAfterStop(): Promise<string[]> {
  const { logDir } = (await instance.status()).instance;
  instance.signal('SIGTERM');
  expect(await instance.waitForExit()).toBe(0);
  return readFileSync(join(logDir, 'access.log'), 'utf8').trimEnd().split('\n');
}

const ONE_WORKER = { backendCount: 1 };
const MODES = { production: { active: 1 } };

describe('the access log of a run', () => {
  test.each(['auto', 'full'])('says as JSON who asked for what, and who answered (lane %s)', async (lane) => {
    instance = await UnderstudyProcess.start({
      ...ONE_WORKER,
      config: { modes: MODES, lane, log: { access: 'json' } },
    });
    const headers = { 'user-agent': 'probe/1', referer: 'http://somewhere/', 'x-request-id': 'abc-1' };
    await (await fetch(`${instance.url}/?q=1`, { headers })).text();
    const [line = ''] = await linesAfterStop();
    expect(JSON.parse(line)).toMatchObject({
      kind: 'access',
      id: 'abc-1',
      method: 'GET',
      path: '/?q=1',
      status: 200,
      upstream: 'primary/1',
      attempts: 1,
      endedBy: 'served',
      phase: 'done',
      client: { address: '127.0.0.1', httpVersion: '1.1', referer: 'http://somewhere/', userAgent: 'probe/1' },
    });
  });

  test('speaks the combined format on request', async () => {
    instance = await UnderstudyProcess.start({ ...ONE_WORKER, config: { modes: MODES, log: { access: 'combined' } } });
    await (await fetch(instance.url, { headers: { 'user-agent': 'probe/1' } })).text();
    const [line = ''] = await linesAfterStop();
    expect(line).toMatch(
      /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/ HTTP\/1\.1" 200 \d+ "-" "probe\/1" id=\S+ upstream=primary\/1 /,
    );
  });
});
