// Finds a Python that has uvicorn, and the command that serves the ASGI fixture with it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Compiled tests lie in dist/test/support; a .py file is not compiled, so it stays where its source is. */
const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures');

/** The first of $PYTHON, python3 and /usr/bin/python3 that can import uvicorn, as an absolute path. */
export function findUvicornPython(): string {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((name) => name !== undefined);
  for (const name of candidates) {
    const { status, stdout } = spawnSync(name, ['-c', 'import sys, uvicorn; print(sys.executable)']);
    if (status === 0) return String(stdout).trim();
  }
  throw new Error(`No Python with uvicorn among ${candidates.join(', ')}: set PYTHON`);
}

export function uvicornCommand(app = 'asgi_app:app', appDir = FIXTURES): string[] {
  // No --timeout-graceful-shutdown: uvicorn 0.17 does not know it yet.
  const place = ['--app-dir', appDir, '--host', '{host}', '--port', '{port}'];
  return [findUvicornPython(), '-m', 'uvicorn', app, ...place, '--timeout-keep-alive', '75'];
}
