import { describe, expect, test } from '@jest/globals';
import { findBrokenArrows, findCycles, readImports, type ImportGraph } from '../support/import-graph.js';

const ROOT = process.cwd();

describe('the sources', () => {
  const graph = readImports(ROOT, ['src', 'proxy', 'pool']);

  test('are seen by this test at all', () => {
    expect(graph.size).toBeGreaterThan(50);
  });

  test('import only along the arrows of the design', () => {
    expect(findBrokenArrows(graph)).toEqual([]);
  });

  test('have no import cycle', () => {
    expect(findCycles(graph)).toEqual([]);
  });
});

describe('findBrokenArrows', () => {
  test.each([
    ['core that imports a library', 'src/core/x.ts', 'undici'],
    ['core that imports the shell', 'src/core/x.ts', 'src/app.ts'],
    ['proxy that imports pool', 'proxy/x.ts', 'pool/y.ts'],
    ['pool that imports proxy', 'pool/x.ts', 'proxy/y.ts'],
    ['proxy that imports the shell', 'proxy/x.ts', 'src/config/config.ts'],
    ["a shell file that reaches past a plane's index", 'src/app.ts', 'pool/manager.ts'],
    ['a command that knows the data plane', 'src/commands/x.ts', 'proxy/index.ts'],
  ])('finds %s', (_what, from, to) => {
    const graph: ImportGraph = new Map([[from, [to]]]);
    expect(findBrokenArrows(graph)).toEqual([`${from} -> ${to}`]);
  });

  test.each([
    ['src/app.ts', 'proxy/index.ts'],
    ['proxy/x.ts', 'src/core/clock.ts'],
    ['pool/x.ts', 'undici'],
    ['src/core/x.ts', 'node:events'],
  ])('lets %s import %s', (from, to) => {
    expect(findBrokenArrows(new Map([[from, [to]]]))).toEqual([]);
  });
});

describe('findCycles', () => {
  test('finds a cycle of three files', () => {
    const graph: ImportGraph = new Map([
      ['a.ts', ['b.ts']],
      ['b.ts', ['c.ts']],
      ['c.ts', ['a.ts']],
    ]);
    expect(findCycles(graph)).toEqual(['a.ts -> b.ts -> c.ts -> a.ts']);
  });
});
