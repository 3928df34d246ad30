// The OMNIMIND_* variables of the seed's scripts, and ours beside them. Parsed strictly; what is wrong names its variable.

import type { ConfigProblem } from './config-error.js';

export interface EnvironmentSettings {
  readonly backends?: number;
  readonly workers?: number;
  readonly workersValidation?: number;
  readonly backendsValidation?: number;
  readonly ports?: readonly number[];
  readonly validation?: boolean;
  readonly app?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the variables; problems are appended, not thrown, so that they are told with all others. */
export function parseEnvironment(env: Environment, problems: ConfigProblem[]): EnvironmentSettings {
  const read = <T>(variable: string, parse: (text: string) => T | undefined, accepted: string): T | undefined => {
    const text = env[variable];
    if (text === undefined || text === '') return undefined;
    const value = parse(text);
    if (value === undefined)
      problems.push({ path: variable, message: `'${text}' is not accepted; accepted: ${accepted}` });
    return value;
  };
  return {
    backends: read('OMNIMIND_BACKENDS', parseCount, 'a whole number from 1'),
    workers: read('OMNIMIND_WORKERS', parseCount, 'a whole number from 1'),
    workersValidation: read('OMNIMIND_WORKERS_VALIDATION', parseCount, 'a whole number from 1'),
    backendsValidation: read('OMNIMIND_BACKENDS_VALIDATION', parseCount, 'a whole number from 1'),
    ports: read('OMNIMIND_PORTS', parsePorts, 'ports from 1 to 65535 with commas between, such as 8000,8080,3001'),
    validation: read('OMNIMIND_VALIDATION_MODE', parseBoolean, 'true or false'),
    app: read('OMNIMIND_APP', (text) => text, 'module:app'),
  };
}

function parseCount(text: string): number | undefined {
  return /^[1-9]\d{0,2}$/.test(text) ? Number(text) : undefined;
}

/** Undefined for a word that says neither. */
export function parseBoolean(text: string): boolean | undefined {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    '1': true,
    yes: true,
    false: false,
    '0': false,
    no: false,
  };
  return Object.hasOwn(words, text.toLowerCase()) ? words[text.toLowerCase()] : undefined;
}

function parsePorts(text: string): readonly number[] | undefined {
  const ports = text.split(',').map((part) => (/^\s*\d{1,5}\s*$/.test(part) ? Number(part) : 0));
  return ports.every((port) => port >= 1 && port <= 65_535) ? ports : undefined;
}
