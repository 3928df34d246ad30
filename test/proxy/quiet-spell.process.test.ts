import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = join(import.meta.dirname, '..', 'support', 'quiet-spell.js');
const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
/** Compiles after a few hundred calls instead of many thousands. */
const EAGER = NODE_MAJOR < 22 ? '--interrupt-budget=10000' : '--invocation-count-for-turbofan=300';

/** Names of the private methods in the lines that say so: nobody but us has any. */
function ownMethods(output: string, line: RegExp): readonly string[] {
  const lines = output.split('\n').filter((one) => line.test(one));
  return [...new Set(lines.flatMap((one) => /(?:SharedFunctionInfo|JSFunction) (#\w+)/.exec(one)?.[1] ?? []))];
}

describe('a proxy that nobody used for some collections', () => {
  test('keeps what was compiled for the requests before', async () => {
    const flags = ['--expose-gc', '--trace-opt', '--trace-deopt', EAGER];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROGRAM], { maxBuffer: 2 ** 26 });
    const [busy, quiet] = stdout.split('QUIET\n');
    expect(quiet).toContain('OVER\n');
    // Which ones, and which are part of others, differs from run to run.
    expect(ownMethods(busy!, /completed optimizing/).length).toBeGreaterThan(5);
    expect(ownMethods(quiet!.split('OVER\n')[0]!, /marking dependent code/)).toEqual([]);
  });
});
