import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { commentedConfig } from '../../../src/config/commented-config.js';
import type { ConfigError } from '../../../src/config/config-error.js';
import { type ConfigProblem } from '../../../src/config/config-error.js';
import type { Config } from '../../../src/config/config.js';
import { configSchema } from '../../../src/config/schema.js';
import { parseConfig, runtimeDirsOf } from '../../../src/config/parse-config.js';

function problemsOf(input: unknown): readonly ConfigProblem[] {
  try {
    parseConfig(input);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
}

describe('parseConfig', () => {
  test('fills in the whole default config when given nothing', () => {
    const config = parseConfig(undefined);
    expect(config.front).toEqual({ host: '127.0.0.1', port: 9000, proxyProtocol: false, socketMode: '0660' });
    expect(config.backends).toEqual([
      { name: 'primary', host: '127.0.0.1', port: 8000 },
      { name: 'secondary', host: '127.0.0.1', port: 8080 },
      { name: 'fallback', host: '127.0.0.1', port: 3001 },
    ]);
    expect(config.modes['production']).toMatchObject({ active: 3, workers: 1, standby: 0 });
    expect(config.modes['validation']).toMatchObject({ active: 2, workers: 2, standby: 1, temperature: 'frozen' });
    expect(config.mode).toBe('production');
    expect(config.program).toEqual({ kind: 'demo' });
  });

  test('keeps production, and starts in it, when the modes only describe validation', () => {
    const { modes, mode } = parseConfig({ modes: { validation: { active: 1, standby: 2 } } });
    expect(modes['production']).toEqual(parseConfig(undefined).modes['production']);
    expect(modes['validation']).toMatchObject({ active: 1, standby: 2, workers: 1 });
    expect(mode).toBe('production');
  });

  test.each([
    [['calm', 'busy'], 'calm'],
    [['production'], 'production'],
    [['validation', 'production'], 'production'],
  ])('has the modes %j as they are given, and starts in %s', (names, start) => {
    const { modes, mode } = parseConfig({ modes: Object.fromEntries(names.map((name) => [name, { active: 1 }])) });
    expect(Object.keys(modes).sort()).toEqual([...names].sort());
    expect(mode).toBe(start);
  });

  test.each<[what: string, given: unknown, shown: string]>([
    ['no end', Infinity, 'Infinity'],
    ['no number', NaN, 'NaN'],
    ['a big number', 5n, '5n'],
    ['a text', 'nine\nthousand\u001b[0m', '"nine\\nthousand\\u001b[0m"'],
    ['a mapping', { a: [1, Infinity] }, '{ a: [ 1, Infinity ] }'],
  ])('shows %s that is given for a number', (_what, given, shown) => {
    expect(problemsOf({ front: { port: given } })).toEqual([
      { path: 'front.port', message: expect.stringContaining(`(given: ${shown})`) },
    ]);
  });

  test('shows what holds itself, and only the beginning of what is long', () => {
    const ring: Record<string, unknown> = {};
    ring['port'] = ring;
    for (const given of [ring, 'x'.repeat(10_000), Array.from({ length: 1_000 }, () => 'x'.repeat(20))]) {
      const [{ path, message } = { path: '', message: '' }] = problemsOf({ front: { port: given } });
      expect([path, message.length < 200]).toEqual(['front.port', true]);
    }
  });

  test.each<[path: string, input: object]>([
    ['health.path', { health: { path: '/a b' } }],
    ['health.path', { health: { path: '/ä' } }],
    ['health.path', { health: { path: 'health' } }],
    ['sleep.demote.path', { sleep: { demote: { path: '/a b' }, promote: { path: '/b?c=%20' } } }],
    ['sleep.golden.path', { sleep: { demote: { path: '/a' }, promote: { path: '/b' }, golden: { path: '/\n' } } }],
  ])('refuses a path that no request can ask for: %s of %j', (path, input) => {
    expect(problemsOf(input)).toEqual([
      { path, message: expect.stringMatching(/^accepted: a path that begins with \//) },
    ]);
  });

  test.each<[path: string, input: object]>([
    ['command.1', { command: ['serve', 'a\0b'] }],
    ['env.A', { env: { A: 'b\0' } }],
    ['env.A\0', { env: { 'A\0': 'b' } }],
    ['modes.production.env.A', { modes: { production: { active: 1, env: { A: '\0' } } } }],
    ['sleep.demote.command.0', { sleep: { demote: { command: ['\0'] }, promote: { command: ['wake'] } } }],
  ])('refuses a NUL that no process can be given: %s of %j', (path, input) => {
    expect(problemsOf(input)).toEqual([{ path, message: expect.stringContaining('must have no NUL in it') }]);
  });

  test('says of a name what is accepted, and shows it without what would command a terminal', () => {
    expect(() => parseConfig({ modes: { 'a\u001b[2Jb': { active: 1 } } })).toThrow(
      /^ {2}modes\.a\\u\{1b\}\[2Jb: the name is not accepted; accepted: letters, digits, and _ \. -/m,
    );
    expect(() => parseConfig({ 'a\nb': 1 })).toThrow(/^ {2}a\\u\{a\}b: unknown key/m);
  });

  test('says what is accepted of a backend with port and url, and of no modes at all', () => {
    const backends = [{ name: 'a', port: 1, url: 'http://localhost:1' }];
    expect(problemsOf({ backends })).toEqual([{ path: 'backends.0', message: expect.stringContaining('either') }]);
    expect(problemsOf({ modes: {} })).toEqual([{ path: 'modes', message: expect.stringContaining('names no mode') }]);
  });

  test.each(['health.interval', 'health.suspiciousInterval', 'resources.interval'])(
    'refuses %s without a pause, and takes one of a month',
    (path) => {
      const [section = '', key = ''] = path.split('.');
      expect(problemsOf({ [section]: { [key]: 0 } })).toEqual([{ path, message: 'accepted: 10ms or more' }]);
      expect(problemsOf({ [section]: { [key]: '720h' } })).toEqual([]);
    },
  );

  test('reads the commented config of init as exactly the defaults', () => {
    expect(parseConfig(parse(commentedConfig()))).toEqual(parseConfig(undefined));
  });

  test.each([
    [
      'a duration with a unit',
      { health: { interval: '3s' } },
      (c: ReturnType<typeof parseConfig>) => c.health.interval,
      3_000,
    ],
    [
      'a duration in milliseconds',
      { health: { interval: 150 } },
      (c: ReturnType<typeof parseConfig>) => c.health.interval,
      150,
    ],
    [
      'a size with a unit',
      { limits: { maxHead: '32KiB' } },
      (c: ReturnType<typeof parseConfig>) => c.limits.maxHead,
      32_768,
    ],
  ])('reads %s', (_what, input, read, expected) => {
    expect(read(parseConfig(input))).toBe(expected);
  });

  test('reports every problem together with its path', () => {
    const problems = problemsOf({
      frnt: {},
      front: { port: 'high' },
      health: { interval: 'soon', pth: '/' },
      modes: { production: { active: 0 } },
    });
    expect(problems.map(({ path }) => path).sort()).toEqual(
      ['front.port', 'frnt', 'health.interval', 'health.pth', 'modes.production.active'].sort(),
    );
  });

  test.each([
    ['frnt', { frnt: {} }, 'front'],
    ['health.intervall', { health: { intervall: 1 } }, 'interval'],
    ['backends.0.prot', { backends: [{ name: 'a', prot: 1 }] }, 'port'],
    ['modes.production.actve', { modes: { production: { active: 1, actve: 1 } } }, 'active'],
  ])('suggests what was meant by %s', (path, input, suggestion) => {
    expect(problemsOf(input)).toContainEqual(expect.objectContaining({ path, suggestion }));
  });

  test.each([
    ['the same port twice', { front: { port: 8000 } }, 'backends.0.port', /front\.port/],
    [
      'the same name twice',
      {
        backends: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      'backends.1.name',
      /'a'/,
    ],
    [
      'more active backends than there are',
      { modes: { production: { active: 4 } } },
      'modes.production',
      /there are 3/,
    ],
    ['a mode that does not exist', { mode: 'holiday' }, 'mode', /production, validation/],
    ['a command without {port}', { command: ['serve'] }, 'command', /\{port\}/],
    ['a command beside an app', { command: ['x', '{port}'], app: 'a:b' }, 'app', /either/],
    ['a budget below what a mode runs', { budget: { workers: 2 } }, 'modes.production', /budget\.workers is 2/],
    [
      'a backend that is our own front',
      { backends: [{ name: 'a', url: 'http://localhost:9000' }] },
      'backends.0.url',
      /circles/,
    ],
    [
      'a wedged worker that would never be seen',
      { health: { wedgedAfter: '3m' } },
      'health.wedgedAfter',
      /deadlines\.firstByte \(120000 ms\)/,
    ],
    ['a trusted proxy that is no address', { trustedProxies: ['home'] }, 'trustedProxies.0', /home/],
    [
      'a network of an address that there is not',
      { trustedProxies: ['10.0.0.300/8'] },
      'trustedProxies.0',
      /no address/,
    ],
    ['a mode that is no mode', { front: { socketMode: '0888' } }, 'front.socketMode', /three octal digits/],
    ['a mode as a number', { front: { socketMode: 660 } }, 'front.socketMode', /expected string/],
    [
      'too long a socket path',
      { front: { socket: `/tmp/${'x'.repeat(103)}` } },
      'front.socket',
      /too long.*107 octets/,
    ],
    ['too long a folder', { front: { socket: `/${'x'.repeat(98)}/s` } }, 'front.socket', /too long.*98 in its folder/],
    [
      'the socket of the admin API',
      { front: { socket: '/tmp/here/admin.sock' }, runtimeDir: '/tmp/here' },
      'front.socket',
      /socket of the admin API/,
    ],
    ['PROXY headers from nobody', { front: { proxyProtocol: true } }, 'front.proxyProtocol', /trustedProxies is empty/],
    ['a network with too long a prefix', { trustedProxies: ['10.0.0.0/33'] }, 'trustedProxies.0', /no address/],
    [
      'a floor above all that the mode has',
      { modes: { production: { active: 2, workers: 2, floor: 5 } } },
      'modes.production.floor',
      /only 4 workers.*1 to 4/,
    ],
    [
      'a backend whose url says more than where it is',
      { backends: [{ name: 'a', url: 'http://10.0.0.2:8000/api?x=1' }] },
      'backends.0.url',
      /accepted: http:\/\/10\.0\.0\.2:8000$/,
    ],
    ['a first pause above the longest', { restart: { initialBackoff: '1m' } }, 'restart.initialBackoff', /30000 ms/],
    ['a head without room for one', { limits: { maxHead: 1 } }, 'limits.maxHead', /1KiB or more/],
    [
      'CPUs from high to low',
      { modes: { production: { active: 1, priority: { cpus: '3-1' } } } },
      'modes.production.priority.cpus',
      /low to high/,
    ],
  ])('refuses %s', (_what, input, path, message) => {
    expect(problemsOf(input)).toContainEqual(
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    );
  });
});

test.each([
  ['front', { front: { host: '' } }],
  ['admin', { admin: { host: '' } }],
])('an empty host, which would open %s to everybody, is refused', (section, given) => {
  expect(() => parseConfig({ command: ['serve', '{port}'], ...given })).toThrow(new RegExp(`${section}\\.host`));
});

test('a runtime folder whose socket nobody could open is refused', () => {
  const runtimeDir = `/tmp/${'x'.repeat(100)}`;
  expect(() => parseConfig({ command: ['serve', '{port}'], runtimeDir })).toThrow(
    /runtimeDir.*too long for a Unix socket/,
  );
});

describe('the places where an instance may have its folder', () => {
  const front = { port: 9000 } as Config['front'];
  const session = `/run/user/${process.getuid!()}/understudy-9000`;
  const temporary = join(tmpdir(), `understudy-${process.getuid!()}-9000`);

  test.each([
    ['of a login shell, and then of cron', session, [session, temporary]],
    ['of cron, and then of a login shell', temporary, [temporary, session]],
    ['that the config names, and no other', '/elsewhere', ['/elsewhere']],
  ])('are that %s', (_what, runtimeDir, expected) => {
    expect(runtimeDirsOf({ front, runtimeDir })).toEqual(expected);
  });
});

test('the commented config speaks of every key there is', () => {
  const text = commentedConfig();
  const missing = Object.keys(configSchema.shape).filter((key) => !new RegExp(`^(# )?${key}:`, 'm').test(text));
  expect(missing).toEqual([]);
});

test.each([
  [
    { backends: [{ name: 'a', port: 8000, weight: 2 }] },
    /backends\.0\.weight: unknown key; accepted: name, port, host$/m,
  ],
  [
    { backends: [{ name: 'a', url: 'http://b', host: 'c' }] },
    /backends\.0\.host: unknown key; accepted: name, url, weight$/m,
  ],
  [
    { front: { tls: { cert: 'c', key: 'k', ca: 'x' } } },
    /front\.tls\.ca: unknown key; accepted: cert, key, minVersion/,
  ],
  [
    { modes: { validation: { active: 2, priority: { nce: 5 } } } },
    /nce: unknown key; accepted: nice, io, cpus, weight/,
  ],
])('an unknown key is told with those that are known in its place: %j', (given, expected) => {
  expect(() => parseConfig({ command: ['serve', '{port}'], ...given })).toThrow(expected);
});

test('the workers of a mode are counted as the pool counts them', () => {
  const elsewhere = ['a', 'b'].map((name) => ({ name, url: `http://${name}:1` }));
  const command = ['serve', '{port}'];
  const backends = [...elsewhere, { name: 'c', port: 8000 }];
  const only = { active: 3, workers: 1 };
  expect(() => parseConfig({ command, backends, modes: { only }, budget: { workers: 1 } })).not.toThrow();
  const floor = { only: { active: 2, workers: 2, floor: 4 } };
  expect(() => parseConfig({ command, backends, modes: floor })).toThrow(/only 2 workers in traffic/);
  const forking = ['serve', '{port}', '{workers}'];
  expect(() =>
    parseConfig({ command: forking, modes: { only: { active: 3, workers: 4 } }, budget: { workers: 3 } }),
  ).not.toThrow();
});
