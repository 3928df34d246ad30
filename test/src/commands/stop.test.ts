import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../../src/admin/admin-client.js';
import { runStop } from '../../../src/commands/stop.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-stop-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('an instance that falls silent over the order to stop is waited for until its process has ended', async () => {
  const { pid, stdin } = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  let silent = false;
  const server = createServer((request, response) => {
    // The first question that comes behind the order: until then the command has not given up.
    if (silent) stdin.end();
    silent ||= request.method === 'POST';
    if (!silent) response.end(JSON.stringify({ instance: { pid } }));
  }).listen(join(folder, 'admin.sock'));
  await once(server, 'listening');
  const stream = { write: () => true };
  const client = new AdminClient({ socketPath: join(folder, 'admin.sock'), patienceMs: 20 });
  expect(await runStop(client, { stdout: stream, stderr: stream } as never)).toBe(0);
  server.closeAllConnections();
  server.close();
});
