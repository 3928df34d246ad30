// An instance inside another program: what only Understudy's own program can do is refused there, and a start may be given up.
import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../src/admin/admin-client.js';
import { createUnderstudy, parseConfig, type Understudy } from '../../src/index.js';
import { freePorts } from '../support/free-port.js';

let understudy: Understudy;
let folder: string;

afterEach(async () => {
  await understudy.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** With one worker. Returns its front's port. */
async function createSmallest(): Promise<number> {
  folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
  const [front, admin, port] = await freePorts(3);
  const config = parseConfig({
    front: { port: front },
    admin: { port: admin },
    backends: [{ name: 'only', port }],
    modes: { production: { active: 1 } },
    runtimeDir: join(folder, 'runtime'),
  });
  understudy = createUnderstudy(config);
  return front!;
}

test('an upgrade is refused, since its program would do all that it does a second time', async () => {
  await createSmallest();
  const { frontUrl } = await understudy.start();
  const client = new AdminClient({ socketPath: understudy.status().instance.adminSocket });
  const refused = client.request({ method: 'POST', path: '/v1/upgrade' });
  await expect(refused).rejects.toMatchObject({
    code: 'not-upgradable',
    message: expect.stringContaining('understudy run'),
  });
  expect((await fetch(frontUrl)).status).toBe(200);
  expect(understudy.stopping.aborted).toBe(false);
});

test('whoever stops it after somebody else may hurry', async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
  const [front, admin] = await freePorts(2);
  const streaming = createServer(({ url }, response) => {
    if (url === '/health') return void response.end('well');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  streaming.listen(0, '127.0.0.1');
  await once(streaming, 'listening');
  const config = parseConfig({
    front: { port: front },
    admin: { port: admin },
    backends: [{ name: 'only', url: `http://127.0.0.1:${(streaming.address() as AddressInfo).port}` }],
    modes: { production: { active: 1 } },
    stop: { streamDrainTimeout: '1h' },
    runtimeDir: join(folder, 'runtime'),
  });
  understudy = createUnderstudy(config);
  const { frontUrl } = await understudy.start();
  const stream = await fetch(frontUrl);
  const first = understudy.stop();
  const hurry = new AbortController();
  const second = understudy.stop({ hurry: hurry.signal });
  hurry.abort();
  await Promise.all([first, second]);
  await stream.body!.cancel().catch(() => undefined);
  streaming.closeAllConnections();
  streaming.close();
});

test('a start that is given up before it began leaves nothing behind, and no port was open', async () => {
  const front = await createSmallest();
  // Somebody else has the front: that would be told if it were asked for.
  const other = createServer().listen(front, '127.0.0.1');
  await once(other, 'listening');
  const signal = AbortSignal.abort(new Error('not any more'));
  await expect(understudy.start({ signal })).rejects.toThrow('not any more');
  await understudy.stopped;
  expect(understudy.events.since(0)).toEqual([]);
  other.close();
});
