// `unknown` to Config: schema, derived values, cross-checks; every problem told at once. Reads nothing from outside.

import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import type { BackendConfig, Config, ModeConfig, Program } from './config.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { crossCheck } from './cross-checks.js';
import { configSchema, type ParsedConfig, modeSchema } from './schema.js';
import { shownValue } from './shown-value.js';
import { suggest } from './suggest.js';

export interface ParseOptions {
  /** What the problems are said to be in: a file's name, or `the config`. */
  readonly source?: string;
  /** Problems found before, told together with ours. */
  readonly problems?: readonly ConfigProblem[];
  /** Relative paths start here. Default: the working folder. */
  readonly cwd?: string;
}

/** @throws ConfigError with every problem. */
export function parseConfig(input: unknown, options: ParseOptions = {}): Config {
  const source = options.source ?? 'the config';
  const earlier = options.problems ?? [];
  const result = configSchema.safeParse(input ?? {}, { reportInput: true });
  if (!result.success) throw new ConfigError(source, [...earlier, ...result.error.issues.flatMap(problemsOf)]);
  const { app, command } = result.data;
  const contradiction: ConfigProblem[] =
    app === undefined || command === undefined
      ? []
      : [{ path: 'app', message: "give either 'app' or 'command', not both" }];
  const config = derive(result.data, options.cwd ?? process.cwd());
  const problems = [...earlier, ...contradiction, ...crossCheck(config)];
  if (problems.length > 0) throw new ConfigError(source, problems);
  return config;
}

export const DEFAULT_PORTS: readonly number[] = [8000, 8080, 3001];

/** Names by place in the order: primary, secondary, fallback, fallback-2, ... */
export function defaultBackends(ports: readonly number[]): readonly BackendConfig[] {
  const names = ['primary', 'secondary', 'fallback'];
  return ports.map((port, index) => ({ name: names[index] ?? `fallback-${index - 1}`, host: '127.0.0.1', port }));
}

function derive(parsed: ParsedConfig, cwd: string): Config {
  const {
    backends: givenBackends,
    modes: givenModes,
    mode,
    command,
    app,
    runtimeDir: givenRuntimeDir,
    ...rest
  } = parsed;
  const backends = givenBackends ?? defaultBackends(DEFAULT_PORTS);
  const modes = completeModes(givenModes, backends.length);
  const runtimeDir =
    givenRuntimeDir === undefined ? defaultRuntimeDir(parsed.front.port) : resolve(cwd, givenRuntimeDir);
  return {
    ...rest,
    front: placeFront(parsed.front, cwd),
    backends,
    modes,
    mode: mode ?? (Object.hasOwn(modes, 'production') ? 'production' : Object.keys(modes)[0]!),
    program: programOf(command, app),
    cwd: resolve(cwd, parsed.cwd ?? '.'),
    runtimeDir,
    logDir: parsed.logDir === undefined ? defaultLogDir(runtimeDir) : resolve(cwd, parsed.logDir),
  };
}

function placeFront(front: ParsedConfig['front'], cwd: string): ParsedConfig['front'] {
  const { socket, tls } = front;
  return {
    ...front,
    ...(socket === undefined ? {} : { socket: resolve(cwd, socket) }),
    ...(tls === undefined ? {} : { tls: { ...tls, cert: resolve(cwd, tls.cert), key: resolve(cwd, tls.key) } }),
  };
}

function programOf(command: readonly string[] | undefined, app: string | undefined): Program {
  if (command !== undefined) return { kind: 'command', command };
  return app === undefined ? { kind: 'demo' } : { kind: 'app', app };
}

/**
 * A mode replaces the default one of its name. Whoever describes only `validation` still has `production`: it is what is left
 * for validation and returned to. All others stand as given: what is not named is not wanted.
 */
function completeModes(given: ParsedConfig['modes'], backendCount: number): Readonly<Record<string, ModeConfig>> {
  const defaults = defaultModes(backendCount);
  if (given === undefined) return defaults;
  if (!Object.hasOwn(given, 'validation')) return given;
  return { production: defaults['production']!, ...given };
}

/** The seed's option B for any number of backends: everything x 1; or at most two x 2 and one on standby. */
export function defaultModes(backendCount: number): Readonly<Record<string, ModeConfig>> {
  const active = Math.min(2, backendCount);
  const job = { nice: 10 };
  const standby = { standbyWorkers: 1, temperature: 'frozen', pushOut: false } as const;
  const shared = { ...standby, priority: {}, job, env: {}, budget: {} };
  return {
    production: { active: backendCount, workers: 1, standby: 0, ...shared },
    validation: { active, workers: 2, standby: Math.min(1, backendCount - active), ...shared },
  };
}

/** One folder an instance: per user and front port, in the system's place for such things. */
function defaultRuntimeDir(frontPort: number): string {
  const base = process.env['XDG_RUNTIME_DIR'];
  return base === undefined || base === '' ? temporaryFolder(frontPort) : sessionFolder(base, frontPort);
}

/** Its folder follows from the front's port, unless somebody has written the same by hand. */
export function hasDefaultRuntimeDir({ runtimeDir, front }: Pick<Config, 'runtimeDir' | 'front'>): boolean {
  return runtimeDir === defaultRuntimeDir(front.port);
}

/** The same of its logs, which follow from that folder. */
export function hasDefaultLogDir({ runtimeDir, logDir }: Pick<Config, 'runtimeDir' | 'logDir'>): boolean {
  return logDir === defaultLogDir(runtimeDir);
}

/**
 * Where an instance with this config may have its folder. A login shell and cron, say, are told of different places for such
 * things: one may look for what the other has started.
 */
export function runtimeDirsOf({
  runtimeDir,
  front: { port },
}: Pick<Config, 'runtimeDir' | 'front'>): readonly string[] {
  const [session, temporary] = [sessionFolder(`/run/user/${process.getuid?.()}`, port), temporaryFolder(port)];
  if (runtimeDir === session) return [session, temporary];
  return runtimeDir === temporary ? [temporary, session] : [runtimeDir];
}

/** What is around them, whatever the port. */
export function runtimeParents(): readonly string[] {
  return [process.env['XDG_RUNTIME_DIR'] ?? '', `/run/user/${process.getuid?.()}`, tmpdir()].filter(
    (path) => path !== '',
  );
}

function defaultLogDir(runtimeDir: string): string {
  return join(runtimeDir, 'logs');
}

function sessionFolder(base: string, frontPort: number): string {
  return join(base, `understudy-${frontPort}`);
}

function temporaryFolder(frontPort: number): string {
  return join(tmpdir(), `understudy-${process.getuid?.() ?? 0}-${frontPort}`);
}

function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeysAt(issue.path, issue.input);
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: `unknown key; accepted: ${known.join(', ')}`,
      suggestion: suggest(key, known),
    }));
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path, message: `the name is not accepted; ${message}` }));
  if (issue.code === 'invalid_union') return unionProblems(issue, path);
  return [{ path, message: `${issue.message}${givenText(issue)}` }];
}

/** A union says what its likeliest branch (the one with the fewest complaints) misses. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: string): ConfigProblem[] {
  if (hasPortAndUrl(issue.input)) {
    return [{ path, message: "give either 'port' (Understudy starts it) or 'url' (somebody else does), not both" }];
  }
  const branches = [...issue.errors].sort((a, b) => a.length - b.length);
  const inner = (branches[0] ?? []).flatMap((nested) =>
    problemsOf({ ...nested, path: [...issue.path, ...nested.path] }),
  );
  return inner.length > 0 ? inner : [{ path, message: issue.message }];
}

function hasPortAndUrl(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'port' in input && 'url' in input;
}

function givenText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' || issue.input === undefined) return '';
  return ` (given: ${shownValue(issue.input)})`;
}

/** Of one that we start, and of one that somebody else runs. */
const BACKEND_KEYS = ['name', 'port', 'host'];
const FOREIGN_KEYS = ['name', 'url', 'weight'];

function knownKeysAt(path: readonly PropertyKey[], input: unknown): readonly string[] {
  if (path[0] === 'backends') return isForeign(input) ? FOREIGN_KEYS : BACKEND_KEYS;
  if (path[0] === 'modes') return keysBelow(modeSchema, path.slice(2));
  if (path.length === 0) return Object.keys(configSchema.shape);
  return keysBelow(configSchema, path);
}

function isForeign(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'url' in input;
}

interface Section {
  readonly shape?: Readonly<Record<PropertyKey, unknown>>;
  readonly def?: { readonly innerType?: unknown };
}

function keysBelow(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  let section = unwrap(schema);
  for (const key of path) section = unwrap(section.shape?.[key]);
  return Object.keys(section.shape ?? {});
}

/** Without its default, and without that it may be left out. */
function unwrap(schema: unknown): Section {
  let inner = (schema ?? {}) as Section;
  while (inner.def?.innerType !== undefined) inner = inner.def.innerType as Section;
  return inner;
}
