// A load that leaves a fifth to a third of its core free, which wrk and nginx together fill: loopback.c, client and target in one
// loop. Compiled where it is needed, so it needs a C compiler.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../src/core/free-ports.js';
import { BenchChild, temporaryFolder, waitListening } from '../support/children.js';
import { readSummary, type LoadResult } from './load-summary.js';
import type { Target } from './target.js';

export const C_COMPILER = 'cc';

export interface NativeTarget extends Target {
  /** GETs of 13 bytes, closed loop, through the proxy on that port. */
  load(options: { readonly port: number; readonly connections: number; readonly seconds: number }): Promise<LoadResult>;
}

/** Throws what the compiler said. */
export async function startNativeTarget(): Promise<NativeTarget> {
  const [port] = await freePorts(1);
  const child = new BenchChild([compile(), String(port)], { takesInput: true });
  await waitListening(child, port!);
  const lines = createInterface({ input: child.child.stdout! });
  const ended = once(child.child, 'close').then(() => {
    throw new Error(`the native load ended: ${child.output.trim()}`);
  });
  // Told to whoever waits for a line then.
  ended.catch(() => undefined);
  return {
    port: port!,
    stop: () => child.stop(),
    load: async ({ port: proxy, connections, seconds }) => {
      const answered = once(lines, 'line') as Promise<[string]>;
      child.child.stdin!.write(`${proxy} ${connections} ${seconds * 1000}\n`);
      const [line] = await Promise.race([answered, ended]);
      return readSummary(line);
    },
  };
}

function compile(): string {
  const program = join(temporaryFolder(), 'loopback');
  const source = join(import.meta.dirname, '../../../bench/load/loopback.c');
  const { status, stderr } = spawnSync(C_COMPILER, ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${C_COMPILER} cannot compile ${source}: ${stderr}`);
  return program;
}
