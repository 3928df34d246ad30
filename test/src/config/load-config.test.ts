import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type ConfigProblem } from '../../../src/config/config-error.js';
import { loadConfig } from '../../../src/config/load-config.js';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'understudy-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text);
}

function problemsOf(load: () => unknown): readonly ConfigProblem[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  test('takes the defaults when there is neither file nor variable nor flag', () => {
    const { config, path } = loadConfig({ cwd, env: {} });
    expect(path).toBeUndefined();
    expect(config.front.port).toBe(9000);
  });

  test('lets flags beat variables, variables the file, and the file the defaults', () => {
    write('understudy.yaml', 'front: { port: 9100 }\napp: file:app\nmode: validation\n');
    const env = { OMNIMIND_APP: 'env:app', OMNIMIND_VALIDATION_MODE: 'false' };
    expect(loadConfig({ cwd, env: {} }).config).toMatchObject({
      front: { port: 9100 },
      mode: 'validation',
      program: { app: 'file:app' },
    });
    expect(loadConfig({ cwd, env }).config).toMatchObject({ mode: 'production', program: { app: 'env:app' } });
    const flags = { port: 9200, app: 'flag:app', validation: true };
    expect(loadConfig({ cwd, env, flags }).config).toMatchObject({
      front: { port: 9200 },
      mode: 'validation',
      program: { app: 'flag:app' },
    });
  });

  test("reads the seed's four variables", () => {
    const env = {
      OMNIMIND_BACKENDS: '2',
      OMNIMIND_WORKERS: '3',
      OMNIMIND_WORKERS_VALIDATION: '4',
      OMNIMIND_VALIDATION_MODE: 'true',
    };
    const { config } = loadConfig({ cwd, env });
    expect(config.backends).toHaveLength(2);
    expect(config.modes['production']).toMatchObject({ active: 2, workers: 3 });
    expect(config.modes['validation']).toMatchObject({ active: 2, workers: 4, standby: 0 });
    expect(config.mode).toBe('validation');
  });

  test('names further backends after the fallback when OMNIMIND_PORTS gives more', () => {
    const { config } = loadConfig({ cwd, env: { OMNIMIND_PORTS: '7001,7002,7003,7004' } });
    expect(config.backends.map(({ name }) => name)).toEqual(['primary', 'secondary', 'fallback', 'fallback-2']);
  });

  test.each([
    ['OMNIMIND_BACKENDS', 'many'],
    ['OMNIMIND_WORKERS', '0'],
    ['OMNIMIND_PORTS', '8000,http'],
    ['OMNIMIND_VALIDATION_MODE', 'maybe'],
  ])('names the variable %s when its value is wrong', (variable, value) => {
    expect(() => loadConfig({ cwd, env: { [variable]: value } })).toThrow(new RegExp(`${variable}: '${value}'`));
  });

  test('lays the variables over the default of a mode that the file leaves out, and touches no other', () => {
    write('understudy.yaml', 'modes: { validation: { active: 2, workers: 2, standby: 1 } }\n');
    const modesWith = (env: Record<string, string>) => loadConfig({ cwd, env }).config.modes;
    expect(modesWith({ OMNIMIND_WORKERS: '4' })).toMatchObject({
      production: { active: 3, workers: 4 },
      validation: { active: 2, workers: 2, standby: 1 },
    });
    expect(modesWith({ OMNIMIND_WORKERS_VALIDATION: '3' })).toMatchObject({
      production: { active: 3, workers: 1 },
      validation: { active: 2, workers: 3, standby: 1 },
    });
  });

  test.each([
    ['is just being written', ''],
    ['says nothing yet', '# comment\n'],
    ['was taken away', undefined],
  ])('makes no demo of a running instance whose file %s', (_what, text) => {
    const path = join(cwd, 'understudy.yaml');
    if (text !== undefined) writeFileSync(path, text);
    expect(() => loadConfig({ cwd, env: {}, path })).toThrow(/understudy\.yaml/);
  });

  test('says which file it is when an alias in it stands for nothing', () => {
    write('understudy.yaml', 'upgrades: [*websocket]\n');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/understudy\.yaml[^]*websocket/);
  });

  test.each([
    ['front: &a {port: *a}', 'front.port'],
    ['command: &a [x, *a]', 'command.1'],
    ['trustedProxies: &a [*a]', 'trustedProxies.0'],
    ['modes: &a {production: {active: 1, env: *a}}', 'modes.production.env'],
    ['&a {front: *a}', 'front'],
  ])('says where an alias stands for what it is in: %s', (text, where) => {
    write('understudy.yaml', `${text}\n`);
    const flags = { port: 9005 };
    expect(problemsOf(() => loadConfig({ cwd, env: {}, flags }))).toEqual([
      { path: where, message: expect.stringContaining('alias of what it is in') },
    ]);
  });

  test('takes an alias of what stands beside it', () => {
    write(
      'understudy.yaml',
      'health: { interval: &pause 3s, timeout: *pause }\nenv: &env { A: b }\nmodes: { production: { active: 1, env: *env } }\n',
    );
    const { config } = loadConfig({ cwd, env: {} });
    expect(config.health).toMatchObject({ interval: 3_000, timeout: 3_000 });
    expect(config.modes['production']?.env).toEqual({ A: 'b' });
  });

  test.each([
    ['front: 5', 'front'],
    ['front: abc', 'front'],
    ['front: [5]', 'front'],
    ['front:', 'front'],
    ['admin: 7', 'admin'],
    ['modes: 5', 'modes'],
    ['modes: [5]', 'modes'],
    ['modes:', 'modes'],
    ['modes: {production: null}', 'modes.production'],
    ['modes: {production: abc}', 'modes.production'],
  ])('refuses what is no section though a flag or a variable says more of it: %s', (text, path) => {
    write('understudy.yaml', `${text}\n`);
    const load = () => loadConfig({ cwd, env: { OMNIMIND_WORKERS: '2' }, flags: { port: 9005, adminPort: 9006 } });
    expect(problemsOf(load)).toEqual([{ path, message: expect.stringContaining('expected') }]);
  });

  test.each([
    ['app: !env MYAPP:x', 'line 1, column 6', 'Unresolved tag: !env'],
    ['front: !foo {port: 9000}', 'line 1, column 8', 'Unresolved tag: !foo'],
    ['front: !!set {port, host}', 'front', 'by its tag'],
    ['admin: !!omap [port: 5]', 'admin', 'by its tag'],
    ['env: {A: !!binary aGVsbG8=}', 'env.A', 'by its tag'],
    ['modes: {a: {active: !!timestamp 2001-01-01}}', 'modes.a.active', 'by its tag'],
    ['!!set {front}', '', 'by its tag'],
  ])('refuses what a tag makes, once and with its place: %s', (text, path, says) => {
    write('understudy.yaml', `${text}\n`);
    expect(problemsOf(() => loadConfig({ cwd, env: {} }))).toEqual([{ path, message: expect.stringContaining(says) }]);
  });

  test('takes the tags of what is plain anyway', () => {
    write('understudy.yaml', 'front: !!map {port: !!int 9100}\nenv: {A: !!str 5}\nupgrades: !!seq []\n');
    expect(loadConfig({ cwd, env: {} }).config).toMatchObject({ front: { port: 9100 }, env: { A: '5' }, upgrades: [] });
  });

  test('says line and column when the YAML is broken', () => {
    write('understudy.yaml', 'front: { port: 9000\nadmin: [');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/line 2, column \d+/);
  });

  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: v`);
  test.each([
    ['brackets', '['.repeat(100_000), 'line 1, column 65', '64 levels'],
    ['braces', `a: 1\nb: ${'{'.repeat(100_000)}`, 'line 2, column 68', '64 levels'],
    ['keys in brackets', '[a: '.repeat(60_000), 'line 1, column 257', '64 levels'],
    ['dashes', '- '.repeat(100_000), 'line 1, column 129', '64 levels'],
    ['question marks', '? '.repeat(100_000), 'line 1, column 129', '64 levels'],
    [
      'keys of one section',
      `env:\n  ${keys(15_000).join('\n  ')}`,
      'line 1002, column 3',
      '15000 keys; accepted: 1000',
    ],
    ['keys of one mapping in braces', `{${keys(15_000).join(', ')}}`, 'line 1, column 8892', 'accepted: 1000'],
  ])('refuses what no config has, and says where and what is accepted: %s without end', (_what, text, path, says) => {
    write('understudy.yaml', text);
    expect(problemsOf(() => loadConfig({ cwd, env: {} }))).toEqual([{ path, message: expect.stringContaining(says) }]);
  });

  test('takes brackets and dashes in texts, and all keys and levels that are accepted', () => {
    const [deep, dashes] = ['['.repeat(200), '- '.repeat(200)];
    const env = [`A: '${deep}'`, `B: "${deep}"`, `C: x${deep}`, `D: |\n    ${dashes}\n    [`, `E: x ${dashes}`];
    write('understudy.yaml', `# ${deep}\nenv:\n  ${[...env, ...keys(900)].join('\n  ')}\n`);
    expect(loadConfig({ cwd, env: {} }).config.env).toMatchObject({ A: deep, B: deep, k899: 'v' });
    write('understudy.yaml', `${'['.repeat(64)}${']'.repeat(64)}`);
    expect(problemsOf(() => loadConfig({ cwd, env: {} }))).toEqual([
      { path: '', message: expect.stringContaining('must be a mapping') },
    ]);
  });

  test.each([
    ['front: {}\nmode: a\nfront: {}', 'line 3, column 1'],
    ['env: { A: 1, B: 2, "A": 3 }', 'line 1, column 20'],
  ])('says where a key comes a second time: %s', (text, path) => {
    write('understudy.yaml', text);
    expect(problemsOf(() => loadConfig({ cwd, env: {} }))).toEqual([{ path, message: 'Map keys must be unique' }]);
  });

  test('says which file cannot be read when --config names a missing one', () => {
    expect(() => loadConfig({ cwd, env: {}, flags: { config: 'nowhere.yaml' } })).toThrow(
      /nowhere\.yaml.*cannot be read/s,
    );
  });

  test('reads a file up to 256 KiB, and none that is larger or has no end', () => {
    const text = 'front: { port: 9300 }\n#';
    write('understudy.yaml', text.padEnd(256 * 1024, '#'));
    expect(loadConfig({ cwd, env: {} }).config.front.port).toBe(9300);
    write('understudy.yaml', text.padEnd(256 * 1024 + 1, '#'));
    expect(() => loadConfig({ cwd, env: {} })).toThrow(/understudy\.yaml[^]*cannot be read: it is larger than 256 KiB/);
    expect(() => loadConfig({ cwd, env: {}, flags: { config: '/dev/zero' } })).toThrow(/\/dev\/zero[^]*larger than/);
  });

  test('reads a pipe at a start, and waits for none while an instance runs', async () => {
    const path = join(cwd, 'pipe');
    execFileSync('mkfifo', [path]);
    // Its own process: whoever opens a pipe stays in that until the other end is open too.
    const writer = spawn('sh', ['-c', `echo 'front: { port: 9300 }' > "$0"`, path]);
    const written = once(writer, 'exit');
    expect(() => loadConfig({ cwd, env: {}, path })).toThrow(
      /pipe[^]*cannot be read: a running instance reads nothing but/,
    );
    expect(loadConfig({ cwd, env: {}, flags: { config: path } }).config.front.port).toBe(9300);
    await written;
  });

  test('reads JSON as well as YAML', () => {
    write('understudy.json', JSON.stringify({ front: { port: 9300 } }));
    expect(loadConfig({ cwd, env: {} }).config.front.port).toBe(9300);
  });
});
