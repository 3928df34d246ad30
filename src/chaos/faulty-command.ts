// A worker's command, wrapped so that it can be told to have faults.

import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, 'faulty-worker.js');

/** What the wrapped command listens on; the pool leaves it alone, since it is none of its placeholders. */
export const INNER_PORT = '{inner-port}';

export interface FaultyCommandOptions {
  /** Where its workers take orders. */
  readonly folder: string;
  readonly healthPath: string;
  /** Where nothing may listen yet, but will. */
  readonly avoid?: readonly number[];
}

export function faultyCommand(command: readonly string[], options: FaultyCommandOptions): string[] {
  const { folder, healthPath, avoid = [] } = options;
  const place = ['--host', '{host}', '--port', '{port}', '--avoid', avoid.join(',')];
  const orders = ['--folder', folder, '--health', healthPath];
  return [
    process.execPath,
    PROGRAM,
    ...place,
    ...orders,
    '--',
    ...command.map((part) => part.replaceAll('{port}', INNER_PORT)),
  ];
}
