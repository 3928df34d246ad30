// The new process's end of an upgrade: what it is given, and what it says. See messages.ts for the order.

import { Server } from 'node:net';
import { errorMessage, UnderstudyError } from '../core/errors.js';
import type { PredecessorMessage, SuccessorMessage } from './messages.js';

/** Set for a process that is to take over, to the port of the front that it will be given. */
export const SUCCESSOR_VARIABLE = 'UNDERSTUDY_SUCCESSOR';

export class Predecessor {
  readonly frontPort: number;
  readonly #gone = new AbortController();

  constructor() {
    this.frontPort = Number(process.env[SUCCESSOR_VARIABLE]);
    // Whom we start is no successor of theirs.
    delete process.env[SUCCESSOR_VARIABLE];
    process.once('disconnect', () => this.#gone.abort());
  }

  /** Says that we have the workers; resolves once the lock and the admin addresses are free. */
  async takeRest(): Promise<void> {
    const freed = this.#waitFor('yours', () => undefined);
    this.#say({ kind: 'ready' });
    return freed;
  }

  /** Asks for the front. The callback runs in the turn in which it comes, so that nothing is accepted by nobody. */
  async takeFront<T>(use: (front: Server) => T): Promise<T> {
    const taken = this.#waitFor('front', (handle) => {
      if (handle instanceof Server) return use(handle);
      throw goneError('the front did not come along');
    });
    this.#say({ kind: 'holding' });
    return taken;
  }

  /** It may end now. */
  finish(): void {
    this.#say({ kind: 'done' });
    if (process.connected) process.disconnect();
  }

  fail(error: unknown): void {
    this.#say({ kind: 'failed', reason: errorMessage(error) });
  }

  #say(message: SuccessorMessage): void {
    if (process.connected) process.send?.(message);
  }

  #waitFor<T>(kind: PredecessorMessage['kind'], use: (handle: unknown) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown, handle: unknown) => {
        if ((message as PredecessorMessage).kind !== kind) return;
        process.off('message', onMessage);
        try {
          resolve(use(handle));
        } catch (error) {
          reject(error instanceof Error ? error : goneError(errorMessage(error)));
        }
      };
      process.on('message', onMessage);
      const onGone = () => reject(goneError('it has ended'));
      if (this.#gone.signal.aborted) onGone();
      else this.#gone.signal.addEventListener('abort', onGone, { once: true });
    });
  }
}

function goneError(reason: string): UnderstudyError {
  return new UnderstudyError(`Cannot take over from the running instance: ${reason}.`, {
    code: 'upgrade-failed',
    source: 'operator',
  });
}
