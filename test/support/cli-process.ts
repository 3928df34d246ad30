// One run of the command line as a child that a test can watch, signal and feed. `runCli` is for those that only end.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { CLI_PATH, type Finished } from './understudy-process.js';

export class CliProcess {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };
  readonly #closed: Promise<unknown>;

  /** @param options.ownSession as from another terminal. */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    { ownSession = false, cwd }: { readonly ownSession?: boolean; readonly cwd?: string } = {},
  ) {
    const options = { env: { ...process.env, ...env }, detached: ownSession, cwd };
    this.#child = spawn(process.execPath, [CLI_PATH, ...args], options);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#closed = once(this.#child, 'close');
  }

  /** The first match in what it has written so far; rejects when it ends before. */
  async waitForOutput(pattern: RegExp): Promise<RegExpExecArray> {
    const { stdout, stderr } = this.#child;
    return new Promise((resolve, reject) => {
      const check = () => {
        const match = pattern.exec(this.stdout + this.stderr);
        if (match !== null) resolve(match);
      };
      stdout.on('data', check);
      stderr.on('data', check);
      this.#child.once('close', () => reject(new Error(`ended before ${pattern}: ${this.stdout}${this.stderr}`)));
      check();
    });
  }

  writeInput(text: string): void {
    this.#child.stdin.end(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its own end; what it left behind may still hold its output. */
  async waitForExit(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async finish(): Promise<Finished> {
    await this.#closed;
    return { code: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}
