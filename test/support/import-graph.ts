// The imports of the sources as a graph, and the design's arrows as a check over it. Type-only imports draw an arrow
// too, but close no cycle: they are gone at run time.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** From a file's path to what it imports: paths for files of ours, names for everything else. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const STATEMENT = /^\s*(?:import|export)\s+(?!type\s)[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'/gm;
const TYPE_STATEMENT = /^\s*(?:import|export)\s+type\s[^'";]*?from\s+'([^']+)'/gm;
const TYPE_MARK = 'type:';

export function readImports(root: string, folders: readonly string[]): ImportGraph {
  const files = folders.flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(folder, name)),
  );
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(root, file), 'utf8'))]));
}

function importsOf(file: string, text: string): string[] {
  const values = [...text.matchAll(STATEMENT)].map((match) => resolveImport(file, match[1] ?? match[2]!));
  const types = [...text.matchAll(TYPE_STATEMENT)].map((match) => TYPE_MARK + resolveImport(file, match[1]!));
  return [...values, ...types];
}

function resolveImport(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

/** Files that may know the planes: the composition root, and what turns config and status into or out of their words. */
const KNOWS_BOTH = new Set(['src/app.ts']);
const KNOWS_POOL = new Set([
  'src/admin/logged-event.ts',
  'src/config/pool-options.ts',
  'src/admin/compose-plan.ts',
  'src/admin/compose-status.ts',
  'src/commands/doctor.ts',
  'src/commands/job-priority.ts',
  'src/worker-memory.ts',
]);
const KNOWS_PROXY = new Set([
  'src/config/proxy-options.ts',
  'src/metrics/request-metrics.ts',
  'src/logs/access-log.ts',
  'src/logs/open-access-log.ts',
]);

export function findBrokenArrows(graph: ImportGraph): readonly string[] {
  return [...graph].flatMap(([from, imports]) =>
    imports
      .map((to) => to.replace(TYPE_MARK, ''))
      .filter((to) => !allowed(from, to))
      .map((to) => `${from} -> ${to}`),
  );
}

function allowed(from: string, to: string): boolean {
  const [source, target] = [areaOf(from), areaOf(to)];
  if (source === target || target === 'node') return true;
  if (source === 'core') return false;
  if (target === 'core' || target === 'library') return true;
  if (source !== 'shell') return false;
  if (target === 'proxy') return to === 'proxy/index.ts' && (KNOWS_BOTH.has(from) || KNOWS_PROXY.has(from));
  return to === 'pool/index.ts' && (KNOWS_BOTH.has(from) || KNOWS_POOL.has(from));
}

type Area = 'core' | 'shell' | 'proxy' | 'pool' | 'node' | 'library';

function areaOf(path: string): Area {
  if (path.startsWith('node:')) return 'node';
  if (!path.endsWith('.ts')) return 'library';
  if (path.startsWith('src/core/')) return 'core';
  if (path.startsWith('proxy/')) return 'proxy';
  return path.startsWith('pool/') ? 'pool' : 'shell';
}

/** Each cycle of value imports once, from its first file in alphabetical order. */
export function findCycles(graph: ImportGraph): readonly string[] {
  const cycles = new Set<string>();
  const settled = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) return void cycles.add(canonical(path.slice(start)));
    if (settled.has(file)) return;
    for (const next of graph.get(file) ?? []) if (graph.has(next)) visit(next, [...path, file]);
    settled.add(file);
  };
  for (const file of [...graph.keys()].sort()) visit(file, []);
  return [...cycles];
}

function canonical(cycle: readonly string[]): string {
  const first = cycle.indexOf([...cycle].sort()[0]!);
  const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
  return [...turned, turned[0]].join(' -> ');
}
