// Collects what a child says, and waits for words in it. Never waits for good: what does not come within the time that
// a loaded machine may need is told together with all that was said instead.
import type { ChildProcess } from 'node:child_process';
import { setTimeout, clearTimeout } from 'node:timers';

/** Below jest's own limit, whose message would not say what the child said. */
const PATIENCE_MS = 45_000;

export class ChildOutput {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  get all(): string {
    return this.stderr + this.stdout;
  }

  /** Rejects with everything that was said when the child ends, or is late, without having said it. */
  async waitFor(pattern: RegExp): Promise<void> {
    const { stdout, stderr } = this.#child;
    const settled = new AbortController();
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`${what} before it said ${pattern}. It said:\n${this.all}`));
      const check = () => pattern.test(this.all) && resolve();
      const onClose = (code: number | null) => fail(`the child ended with ${code}`);
      const timer = setTimeout(() => fail(`${PATIENCE_MS} ms passed`), PATIENCE_MS);
      settled.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        stdout!.off('data', check);
        stderr!.off('data', check);
        this.#child.off('close', onClose);
      });
      stdout!.on('data', check);
      stderr!.on('data', check);
      this.#child.once('close', onClose);
      check();
    }).finally(() => settled.abort());
  }
}
