// What the benches put behind a proxy: the demo backend, which needs nothing, as a worker command.

import { join } from 'node:path';

const DEMO = join(import.meta.dirname, '..', '..', 'examples', 'demo', 'backend.js');

export function demoCommand(): string[] {
  return [process.execPath, DEMO, '--port', '{port}', '--name', '{name}', '--worker', '{worker}'];
}
