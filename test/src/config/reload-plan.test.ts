import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/config/parse-config.js';
import { planReload } from '../../../src/config/reload-plan.js';
import type { ConfigInput } from '../../../src/config/schema.js';

function plan(before: ConfigInput, after: ConfigInput, mode = 'production') {
  return planReload(parseConfig(before), parseConfig(after), { modes: [mode] });
}

function refusalOf(before: ConfigInput, after: ConfigInput, mode?: string): string {
  try {
    plan(before, after, mode);
  } catch (error) {
    expect(error).toMatchObject({ code: 'not-reloadable', source: 'operator' });
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

const two = [
  { name: 'a', port: 1001 },
  { name: 'b', port: 1002 },
];

describe('planReload', () => {
  test('finds nothing when nothing has changed', () => {
    expect(plan({ health: { interval: '1s' } }, { health: { interval: 1000 } })).toEqual([]);
  });

  test('tells each changed path with both values', () => {
    expect(plan({}, { health: { interval: '1s' }, balance: { policy: 'p2c' } })).toEqual([
      { path: 'health.interval', before: '2000', after: '1000' },
      { path: 'balance.policy', before: '"least-outstanding"', after: '"p2c"' },
    ]);
  });

  test('tells backends by name', () => {
    const after = [
      { name: 'b', port: 1002 },
      { name: 'c', port: 1003 },
    ];
    expect(plan({ backends: two }, { backends: after }).map(({ path }) => path)).toEqual([
      'backends.a.port',
      'backends.a.host',
      'backends',
      'backends.c.port',
      'backends.c.host',
    ]);
  });

  test('refuses all that needs a new start at once, each with its path', () => {
    const message = refusalOf({}, { front: { port: 9100 }, admin: { port: 9101 }, logDir: '/elsewhere' });
    expect(message).toMatch(/front\.port: can't change while it runs \(9000 -> 9100\)/);
    expect(message).toMatch(/admin\.port/);
    expect(message).toMatch(/logDir/);
  });

  test('refuses in the units of the config', () => {
    expect(refusalOf({}, { resources: { interval: '5s' } })).toMatch(/resources\.interval: .*\(2s -> 5s\)/);
  });

  test('refuses what somebody wrote, and not the folders that follow from it', () => {
    expect(refusalOf({}, { front: { port: 9100 } })).not.toMatch(/runtimeDir|logDir/);
    const moved = refusalOf({}, { runtimeDir: '/elsewhere' });
    expect(moved).toMatch(/runtimeDir/);
    expect(moved).not.toMatch(/logDir/);
    const named = refusalOf({}, { front: { port: 9100 }, runtimeDir: '/elsewhere', logDir: '/logs' });
    expect(named).toMatch(/front\.port[^]*runtimeDir[^]*logDir/);
  });

  test('refuses a config without a mode that is in use', () => {
    const modes = { production: { active: 2 } };
    expect(refusalOf({}, { modes }, 'validation')).toMatch(/modes\.validation: is in use/);
  });

  test("refuses a port that is still another backend's, and names that backend", () => {
    const after = [
      { name: 'a', port: 1001 },
      { name: 'c', port: 1002 },
    ];
    expect(refusalOf({ backends: two }, { backends: after })).toMatch(/backends\.c\.port: 1002 is still the port of b/);
  });
});
