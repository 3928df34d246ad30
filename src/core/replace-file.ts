// A small file that others read while it is written: whole or not at all, also when we are killed meanwhile.

import { renameSync, writeFileSync } from 'node:fs';

/** For its owner's eyes alone. `path.new` is used on the way. @throws the system's error; what was there is left then. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}
