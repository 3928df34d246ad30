// A config as the rest of the program sees it: complete, checked, readonly. parse-config.ts makes it. Keys are the
// file's; every duration is in milliseconds and every size in bytes by now.

import type { Priority } from '../core/priority.js';
import type { ParsedConfig } from './schema.js';

export type BackendConfig =
  | { readonly name: string; readonly host: string; readonly port: number }
  | { readonly name: string; readonly url: string; readonly weight: number };

export interface ModeConfig {
  readonly active: number;
  readonly workers: number;
  readonly standby: number;
  readonly standbyWorkers: number;
  readonly temperature: 'hot' | 'frozen' | 'asleep' | 'cold';
  /** Of a frozen standby: its memory. */
  readonly pushOut: boolean;
  readonly floor?: number;
  /** Of the workers. */
  readonly priority: Priority;
  /** Of the command that `validate` runs in this mode. */
  readonly job: Priority;
  /** Added to the environment of workers that start in this mode. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it differs from the pool's: bytes, and a share of our CPUs. */
  readonly budget: { readonly ram?: number; readonly gpuMemory?: number; readonly cpuShare?: number };
}

/** What a worker runs: a command template, or a uvicorn app whose command is found at start. */
export type Program =
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'app'; readonly app: string }
  | { readonly kind: 'demo' };

type Derived = 'backends' | 'modes' | 'mode' | 'command' | 'app' | 'cwd' | 'runtimeDir' | 'logDir';

export interface Config extends Readonly<Omit<ParsedConfig, Derived>> {
  readonly backends: readonly BackendConfig[];
  readonly modes: Readonly<Record<string, ModeConfig>>;
  /** The mode to begin with. */
  readonly mode: string;
  readonly program: Program;
  readonly cwd: string;
  readonly runtimeDir: string;
  readonly logDir: string;
}
