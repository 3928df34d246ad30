// What a worker runs: the user's command, the bundled demo backend, or the right uvicorn command for an app.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { operatorError } from '../core/errors.js';
import type { Config } from './config.js';

/** Longer than the proxy keeps an idle upstream socket (4 s): then it is never uvicorn that closes first. */
const KEEP_ALIVE_SECONDS = 75;

/** uvicorn has `--timeout-graceful-shutdown` from 0.22 on; without it a stop waits for ever for slow requests. */
const GRACEFUL_SHUTDOWN_SINCE = [0, 22] as const;

/** @throws UnderstudyError `uvicorn-not-found` when no Python here can import uvicorn. */
export function workerCommand(config: Config): readonly string[] {
  switch (config.program.kind) {
    case 'command':
      return config.program.command;
    case 'demo':
      return demoCommand();
    case 'app':
      return uvicornCommand(config.program.app, { graceMs: config.stop.grace, python: (found ??= findUvicorn()) });
  }
}

/** Once found it is not looked for again: that takes a second in which a running instance would serve nobody. */
let found: FoundUvicorn | undefined;

function demoCommand(): readonly string[] {
  const backend = fileURLToPath(new URL('../../examples/demo/backend.js', import.meta.url));
  return [
    process.execPath,
    backend,
    '--port',
    '{port}',
    '--host',
    '{host}',
    '--name',
    '{name}',
    '--worker',
    '{worker}',
  ];
}

export interface FoundUvicorn {
  /** The interpreter that can import it. */
  readonly python: string;
  readonly version: string;
}

/** The uvicorn command of one worker process, with what uvicorn gets wrong by default put right. Pure. */
export function uvicornCommand(
  app: string,
  options: { readonly graceMs: number; readonly python: FoundUvicorn },
): readonly string[] {
  const { python, version } = options.python;
  const graceSeconds = String(Math.max(1, Math.floor(options.graceMs / 1000)));
  return [
    python,
    '-m',
    'uvicorn',
    app,
    '--host',
    '{host}',
    '--port',
    '{port}',
    // Not left out: uvicorn would take their number from WEB_CONCURRENCY, which many containers set.
    '--workers',
    '1',
    '--timeout-keep-alive',
    String(KEEP_ALIVE_SECONDS),
    ...(knowsGracefulTimeout(version) ? ['--timeout-graceful-shutdown', graceSeconds] : []),
  ];
}

export function knowsGracefulTimeout(version: string): boolean {
  return atLeast(version, GRACEFUL_SHUTDOWN_SINCE);
}

function atLeast(version: string, [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** The virtual environment's Python first, then the ones on PATH, then the system's. */
function findUvicorn(env: NodeJS.ProcessEnv = process.env): FoundUvicorn {
  const venv = env['VIRTUAL_ENV'];
  const candidates = [
    ...(venv === undefined ? [] : [join(venv, 'bin', 'python')]),
    'python3',
    'python',
    '/usr/bin/python3',
  ];
  for (const python of candidates) {
    const version = uvicornVersionOf(python);
    if (version !== undefined) return { python, version };
  }
  throw operatorError(
    'uvicorn-not-found',
    `no Python here can import uvicorn (tried ${candidates.join(', ')}). Install it (pip install uvicorn), activate its virtual environment, or give your own command: understudy run -- COMMAND ... {port}`,
  );
}

/** Undefined when this interpreter can't import uvicorn, or there is none. */
export function uvicornVersionOf(python: string): string | undefined {
  const { status, stdout } = spawnSync(python, ['-c', 'import uvicorn; print(uvicorn.__version__)'], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}
