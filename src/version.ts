// The package's version, read from its package.json (two folders above the built file) as this process starts: another one may
// be installed while it runs.

import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');

export const packageVersion = (JSON.parse(text) as { version: string }).version;
