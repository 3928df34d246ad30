// An instance inside another program: what only Understudy's own program can do is refused there.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
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

test('an upgrade is refused, since its program would do all that it does a second time', async () => {
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
