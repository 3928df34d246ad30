// The log as who reads it gets it: JSON where a program does, words on a terminal.
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const LOGGING = pathToFileURL(join(process.cwd(), 'dist', 'src', 'logging.js')).href;
const ON_TERMINAL = ['-c', 'import pty, sys; pty.spawn(sys.argv[1:])'];

function program(format: string): string[] {
  const script = `const { createLog } = await import('${LOGGING}');
    createLog({ level: 'info', format: '${format}' }).warn({ port: 9000 }, 'it is taken');`;
  return ['--input-type=module', '-e', script];
}

test.each([
  ['json', /^\{"level":40,"time":\d+,"port":9000,"msg":"it is taken"\}\n$/],
  ['auto', /^\{"level":40,.*"msg":"it is taken"\}\n$/],
  ['pretty', /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: it is taken \{"port":9000\}\n$/],
])('the log in format %s is readable by whom it is for, where stderr is no terminal', (format, looks) => {
  const { stdout, stderr } = spawnSync(process.execPath, program(format), { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(stderr).toMatch(looks);
});

test('the log is pretty by itself on a terminal', () => {
  const { stdout } = spawnSync('/usr/bin/python3', [...ON_TERMINAL, process.execPath, ...program('auto')], {
    encoding: 'utf8',
    input: '',
  });
  expect(stdout).toMatch(/WARN.*it is taken/);
  expect(stdout).not.toContain('{"level"');
});
