// The uvicorn example as a worker command, or undefined where no Python here can run it.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const APP_FOLDER = join(import.meta.dirname, '..', '..', '..', 'examples', 'uvicorn');

export function findPython(): string | undefined {
  const candidates = [process.env['PYTHON'], 'python3', '/usr/bin/python3'].filter((name) => name !== undefined);
  return candidates.find((python) => spawnSync(python, ['-c', 'import uvicorn, starlette']).status === 0);
}

/** `{port}` stays to be filled in by the pool; give a number to start one by hand. */
export function uvicornExample(python: string, port: number | '{port}'): string[] {
  const app = ['-m', 'uvicorn', 'app:app', '--app-dir', APP_FOLDER, '--port', String(port)];
  return [python, ...app, '--timeout-keep-alive', '75', '--log-level', 'warning', '--no-access-log'];
}
