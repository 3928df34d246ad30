// `understudy why` in the situations that an operator meets, on real uvicorn.
import { afterEach, expect, test } from '@jest/globals';
import { get } from 'node:http';
import { join } from 'node:path';
import { UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

async function start(config: Readonly<Record<string, unknown>>): Promise<void> {
  const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
  instance = await UnderstudyProcess.start({ config: { command, ...config }, args: ['--validation'] });
}

/** Asked over the API, as the command does: a process for each question would cost seconds. */
async function why(backend: string): Promise<string> {
  const path = `/v1/why?backend=${backend}`;
  const { lines } = await instance.admin.request<{ lines: readonly string[] }>({ method: 'GET', path });
  return lines.join('\n');
}

test('why explains a standby, its promotion, a crash loop and the failback that is pending', async () => {
  await start({ restart: { crashLoopLimit: 1 }, failbackAfter: '1h' });
  const { code, stdout } = await instance.command('why', 'fallback');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^fallback is on standby \(frozen\) because of mode validation: started and proven/);

  const [victim] = await instance.workerPids('active');
  process.kill(victim!, 'SIGKILL');
  await instance.waitForStatus(({ backends }) => backends[2]!.role === 'active');
  const promoted = await why('fallback');
  expect(promoted).toMatch(/^fallback is active, although mode validation wants it on standby\./);
  expect(promoted).toMatch(/It was promoted at .*primary\/1: its process ended unasked.*\(ended by SIGKILL\)/);
  expect(promoted).toMatch(/Rule: usable capacity is below what the mode promises/);
  expect(promoted).toMatch(/still missing: primary\/1 \(failed\)/);

  const looping = await why('primary');
  expect(looping).toMatch(/primary\/1 is in a crash loop and left alone\..*after 1 failures in a row/);
  expect(looping).toMatch(/Fix the cause, then 'understudy restart primary'/);

  await instance.admin.request({ method: 'POST', path: '/v1/backends/primary/restart' });
  expect(await why('fallback')).toMatch(
    /Everything it stood in for is back: it goes back to standby in 3[56]\d\d\.\d s/,
  );
});

test('why explains a drain that waits for a request in flight', async () => {
  await start({});
  const request = get(`${instance.url}/slow?ms=60000`).on('error', () => undefined);
  const busy = await instance.waitForStatusChange(({ front }) => front.inflight === 1);
  const { name } = busy.backends.find(({ workers }) => workers.some(({ inflight }) => inflight === 1))!;
  const drained = instance.admin.request({ method: 'POST', path: `/v1/backends/${name}/drain` });
  await instance.waitForStatusChange(({ backends }) => JSON.stringify(backends).includes('draining'));
  const explained = await why(name);
  expect(explained).toMatch(/is draining: it gets no new request, and 1 in flight may finish\./);
  expect(explained).toContain(`the operator asked to drain ${name}`);
  request.destroy();
  await drained;
  expect(await why(name)).toMatch(/is out of traffic, running because an operator asked for it by hand/);
});
