// Where a config comes from: flags beat environment beats file beats defaults. The only reader of files and variables.

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { errorMessage } from '../core/errors.js';
import type { Config } from './config.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { parseEnvironment, type Environment, type EnvironmentSettings } from './environment.js';
import { DEFAULT_PORTS, defaultBackends, defaultModes, parseConfig } from './parse-config.js';
import { tooDeep, wrongKeys } from './yaml-bounds.js';

export interface ConfigFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  readonly adminPort?: number;
  readonly app?: string;
  readonly validation?: boolean;
  readonly command?: readonly string[];
}

export interface LoadOptions {
  readonly flags?: ConfigFlags;
  readonly env?: Environment;
  readonly cwd?: string;
  /** For a running instance: a file that is just being written, or taken away, must not make the demo of it. */
  readonly path?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Undefined when no file was read. */
  readonly path: string | undefined;
}

/** Far more than any config has. The more keys, the longer each takes, and a running instance does nothing else meanwhile. */
const LARGEST_FILE_BYTES = 256 * 1024;

const DEFAULT_FILES = ['understudy.yaml', 'understudy.yml', 'understudy.json'];

type Layer = Record<string, unknown>;

/** @throws ConfigError with every problem of file, variables and flags together. */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const flags = options.flags ?? {};
  const cwd = options.cwd ?? process.cwd();
  const path = options.path ?? findFile(flags.config, cwd);
  const file = path === undefined ? {} : readLayer(path, { running: options.path !== undefined });
  const problems: ConfigProblem[] = [];
  const settings = parseEnvironment(options.env ?? process.env, problems);
  const merged = applyFlags(applyEnvironment(file, settings, problems), flags);
  return { config: parseConfig(merged, { source: path ?? 'the settings', problems, cwd }), path };
}

function findFile(given: string | undefined, cwd: string): string | undefined {
  if (given !== undefined) return resolve(cwd, given);
  return DEFAULT_FILES.map((name) => resolve(cwd, name)).find((path) => existsSync(path));
}

/** JSON is YAML, so one parser reads both. */
function readLayer(path: string, { running }: { readonly running: boolean }): Layer {
  const text = readText(path, { running });
  const deep = tooDeep(text);
  if (deep !== undefined) throw new ConfigError(path, [deep]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  // A warning is a tag that nothing is made of, or a YAML that is not ours: what it stands for would be read as something else.
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    throw new ConfigError(
      path,
      complaints.map((error) => {
        const { line, col } = lineCounter.linePos(error.pos[0]);
        return { path: `line ${line}, column ${col}`, message: error.message };
      }),
    );
  }
  const keys = wrongKeys(document, lineCounter);
  if (keys.length > 0) throw new ConfigError(path, keys);
  const value = valueOf(document, path);
  if ((value === null || value === undefined) && !running) return {};
  if (isLayer(value)) return value;
  throw new ConfigError(path, [{ path: '', message: 'must be a mapping of keys, such as front: { port: 9000 }' }]);
}

/** An alias of nothing, of what it is in, or too many of them, is told only here. */
function valueOf(document: Document, path: string): unknown {
  const value = toJS(document, path);
  const problems = [...unusableParts(value, [])];
  if (problems.length > 0) throw new ConfigError(path, problems);
  return value;
}

function toJS(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new ConfigError(path, [{ path: '', message: `is no YAML that can be used: ${errorMessage(error)}` }]);
  }
}

interface Place {
  readonly key: string;
  /** What it is in. */
  readonly whole: object;
}

/** What no config can be made of: what has no end, and what JSON has no word for. */
function* unusableParts(value: unknown, places: readonly Place[]): Generator<ConfigProblem> {
  const path = places.map(({ key }) => key).join('.');
  if (!isPlain(value)) {
    yield { path, message: 'is made by its tag into what no key takes; accepted: mappings, lists, texts, numbers' };
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (places.some(({ whole }) => whole === value)) {
    yield { path, message: 'is an alias of what it is in' };
    return;
  }
  for (const [key, part] of Object.entries(value)) yield* unusableParts(part, [...places, { key, whole: value }]);
}

/** Tags make others: a set, a map with an order, bytes, a date. To the schema some of them are sections without keys. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'symbol';
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function readText(path: string, { running }: { readonly running: boolean }): string {
  try {
    // From a pipe nothing may come for ever, and all requests would wait with us.
    if (running && isEndless(path)) throw new Error('a running instance reads nothing but a regular file');
    return readBounded(path);
  } catch (error) {
    throw new ConfigError(path, [{ path: '', message: `cannot be read: ${errorMessage(error)}` }]);
  }
}

/** A folder is neither; reading it fails at once. */
function isEndless(path: string): boolean {
  const stats = statSync(path);
  return !stats.isFile() && !stats.isDirectory();
}

/** A pipe or a device does not tell its size beforehand, and some have no end. */
function readBounded(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(LARGEST_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, { offset: length });
    if (length > LARGEST_FILE_BYTES) throw new Error(`it is larger than ${LARGEST_FILE_BYTES / 1024} KiB`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

function applyEnvironment(file: Layer, settings: EnvironmentSettings, problems: ConfigProblem[]): Layer {
  const layer: Layer = { ...file };
  const ports = settings.ports ?? (settings.backends === undefined ? undefined : DEFAULT_PORTS);
  if (ports !== undefined && (settings.ports !== undefined || file['backends'] === undefined)) {
    const count = settings.backends ?? ports.length;
    if (count > ports.length) {
      problems.push({
        path: 'OMNIMIND_BACKENDS',
        message: `${count} backends need ${count} ports; OMNIMIND_PORTS names ${ports.length}`,
      });
    }
    layer['backends'] = defaultBackends(ports.slice(0, count));
  }
  const modes = modesFrom(layer, settings);
  if (modes !== undefined) layer['modes'] = modes;
  if (settings.validation !== undefined) layer['mode'] = settings.validation ? 'validation' : 'production';
  return settings.app === undefined ? layer : withProgram(layer, { app: settings.app });
}

/** The variables' numbers over the modes `production` and `validation` of the file, or over the defaults. */
function modesFrom(layer: Layer, settings: EnvironmentSettings): unknown {
  const { backends, workers, workersValidation, backendsValidation } = settings;
  if ([backends, workers, workersValidation, backendsValidation].every((value) => value === undefined))
    return undefined;
  const total = Array.isArray(layer['backends']) ? layer['backends'].length : DEFAULT_PORTS.length;
  const defaults: Layer = { ...defaultModes(total) };
  const given = layer['modes'];
  if (given !== undefined && !isLayer(given)) return given;
  const standby = backendsValidation === undefined ? undefined : Math.max(0, total - backendsValidation);
  const wishes = {
    production: { active: backends, workers },
    validation: { active: backendsValidation, workers: workersValidation, standby },
  };
  // A mode that no variable says anything of stays as it is, or out.
  const concerned = Object.entries(wishes).filter(([, wish]) =>
    Object.values(wish).some((value) => value !== undefined),
  );
  const named: Layer = { ...defaults, ...given };
  const changed = concerned.map(([name, wish]) => [name, overlay(named[name], wish)]);
  return { ...(given ?? defaults), ...(Object.fromEntries(changed) as Layer) };
}

/** What is no section stays as it is: the schema refuses it, and laid over it would be gone. */
function overlay(base: unknown, over: Layer): unknown {
  if (base !== undefined && !isLayer(base)) return base;
  const given = Object.entries(over).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(given) };
}

function isLayer(value: unknown): value is Layer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function applyFlags(layer: Layer, flags: ConfigFlags): Layer {
  let result: Layer = { ...layer };
  if (flags.host !== undefined || flags.port !== undefined) {
    result['front'] = overlay(layer['front'], { host: flags.host, port: flags.port });
  }
  if (flags.adminPort !== undefined) result['admin'] = overlay(layer['admin'], { port: flags.adminPort });
  if (flags.validation !== undefined) result['mode'] = flags.validation ? 'validation' : 'production';
  if (flags.app !== undefined) result = withProgram(result, { app: flags.app });
  if (flags.command !== undefined) result = withProgram(result, { command: flags.command });
  return result;
}

/** The stronger source says what runs: its word replaces both spellings of a weaker one. */
function withProgram(layer: Layer, program: Layer): Layer {
  const { app: _app, command: _command, ...rest } = layer;
  return { ...rest, ...program };
}
