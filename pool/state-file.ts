// The state file: written whole and at once (a temporary file, then a rename) at every change, so that a kill at any
// moment leaves the old content or the new one. A file that can't be used is set aside, never guessed at. It survives
// our process, not the machine: nothing is synced to the disk, and another boot's content is refused.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, errorMessage } from '../src/core/errors.js';
import { ensureFolder, PRIVATE_FOLDER } from '../src/core/folders.js';
import { replaceFile } from '../src/core/replace-file.js';
import { stateSchema, type PoolState } from './pool-state.js';
import { readBootId } from './process-table.js';

export type Sections = Pick<PoolState, 'pool' | 'modes'>;

export interface StateReading extends Sections {
  /** Why the file that was there could not be used, in one sentence. */
  readonly refused?: string;
}

export interface StateFileOptions {
  readonly bootId?: string;
  /**
   * Makes the folder where it is gone, and judges the one that is there: a stranger may have made it meanwhile.
   * @throws what keeps us from writing there.
   */
  readonly ensureOurFolder?: () => void;
}

export class StateFile {
  readonly #path: string;
  readonly #bootId: string;
  readonly #ensureOurFolder: () => void;
  #reading: StateReading | undefined;
  #sections: Sections = {};
  #written = '';

  constructor(path: string, { bootId = readBootId() ?? 'unknown', ensureOurFolder }: StateFileOptions = {}) {
    this.#path = path;
    this.#bootId = bootId;
    this.#ensureOurFolder = ensureOurFolder ?? (() => ensureFolder(dirname(path), PRIVATE_FOLDER));
  }

  /** What an earlier Understudy left, looked at once (until `forget`); nothing when there is no file, or none that can be used. */
  read(): StateReading {
    this.#reading ??= this.#read();
    return this.#reading;
  }

  /** The next `read` looks again: somebody else has written since. */
  forget(): void {
    this.#reading = undefined;
  }

  /** Replaces one section. Does nothing when that changes nothing. */
  put<Name extends keyof Sections>(name: Name, section: Sections[Name]): void {
    this.#sections = { ...this.#sections, [name]: section };
    const state: PoolState = { version: 1, bootId: this.#bootId, ...this.#sections };
    const text = `${JSON.stringify(state, null, 2)}\n`;
    if (text === this.#written && this.present) return;
    this.#write(text);
  }

  /** Or there is nothing to be remembered. */
  get present(): boolean {
    return this.#written === '' || existsSync(this.#path);
  }

  /** Writes what was last put again, where somebody has removed it. */
  restore(): void {
    if (!this.present) this.#write(this.#written);
  }

  /** Somebody else may have written it meanwhile. */
  invalidate(): void {
    this.#written = '';
  }

  /** Nothing is left to be remembered. */
  remove(): void {
    rmSync(this.#path, { force: true });
    this.#written = '';
  }

  #write(text: string): void {
    this.#ensureOurFolder();
    replaceFile(this.#path, text);
    this.#written = text;
  }

  #read(): StateReading {
    const text = this.#readText();
    if (text === undefined) return {};
    const refused = this.#findFault(text);
    if (refused === undefined) {
      const { pool, modes } = stateSchema.parse(JSON.parse(text));
      // Until it is replaced, each section stays as it was left.
      this.#sections = { pool, modes };
      return { pool, modes };
    }
    const aside = `${this.#path}.set-aside`;
    renameSync(this.#path, aside);
    return { refused: `The state file ${this.#path} ${refused}: it is set aside as ${aside}.` };
  }

  #readText(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #findFault(text: string): string | undefined {
    try {
      const parsed = stateSchema.safeParse(JSON.parse(text));
      if (!parsed.success) return `is none of ours (${parsed.error.issues.map(describeIssue).join('; ')})`;
      return parsed.data.bootId === this.#bootId ? undefined : 'is from another machine, or from before its last boot';
    } catch (error) {
      return `is damaged (${errorMessage(error)})`;
    }
  }
}

function describeIssue(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  return `${issue.path.join('.')}: ${issue.message}`;
}
