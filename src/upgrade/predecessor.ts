// The new process's end of an upgrade: what it is given, and what it says. See messages.ts for the order. Until the front
// has come nothing is ours alone: when the old process is gone before that, whatever we wait for fails at once.

import { Server } from 'node:net';
import { errorMessage, operatorError, type UnderstudyError } from '../core/errors.js';
import type { Handover, PredecessorMessage, SuccessorMessage } from './messages.js';
import type { TrafficChannel } from './shared-traffic.js';

/** Set for a process that is to take over, to the port of the front that it will be given. */
export const SUCCESSOR_VARIABLE = 'UNDERSTUDY_SUCCESSOR';

/** The number of the descriptor with the front's Unix socket, and its path behind a colon; not set where there is none. */
export const SUCCESSOR_SOCKET_VARIABLE = 'UNDERSTUDY_SUCCESSOR_SOCKET';

export interface GivenSocket {
  /** It listens already, and nothing comes by it here before we listen too. */
  readonly fd: number;
  readonly path: string;
}

/** The config file that the running instance has; not set where it has none. */
export const SUCCESSOR_CONFIG_VARIABLE = 'UNDERSTUDY_SUCCESSOR_CONFIG';

const ENDED = "it has ended. Its workers are left as they are, for 'understudy run' to adopt";

export class Predecessor {
  readonly frontPort: number;
  readonly frontSocket: GivenSocket | undefined;
  readonly configPath: string | undefined;
  readonly #gone = new AbortController();

  constructor() {
    this.frontPort = Number(process.env[SUCCESSOR_VARIABLE]);
    // Whom we start is no successor of theirs.
    delete process.env[SUCCESSOR_VARIABLE];
    this.frontSocket = takeSocket(process.env);
    this.configPath = process.env[SUCCESSOR_CONFIG_VARIABLE];
    delete process.env[SUCCESSOR_CONFIG_VARIABLE];
    // It may have ended while our modules were being loaded: that is told to nobody again.
    if (process.connected) process.once('disconnect', () => this.#gone.abort());
    else this.#gone.abort();
  }

  /** For the moments in which nothing is waited for. @throws UnderstudyError `upgrade-failed` when it has ended. */
  requireThere(): void {
    if (this.#gone.signal.aborted) throw goneError(ENDED);
  }

  /** Says that we have the workers; resolves once the lock names us and the admin addresses are free, to the admin API's token. */
  async takeRest(): Promise<string | undefined> {
    const freed = this.#waitFor('yours', ({ token }) => token);
    this.#say({ kind: 'ready' });
    return freed;
  }

  /** Asks for the front. The callback runs in the turn in which it comes, so that nothing is accepted by nobody. */
  async takeFront<T>(use: (front: Server) => T): Promise<T> {
    const taken = this.#waitFor('front', (_message, handle) => {
      if (handle instanceof Server) return use(handle);
      throw goneError('the front did not come along');
    });
    this.#say({ kind: 'holding' });
    return taken;
  }

  /** It may end now. Until it does, its traffic can be reached by what this returns. */
  finish(): TrafficChannel {
    this.#say({ kind: 'done' });
    process.channel?.unref();
    return {
      say: (order) => this.#say(order),
      hear: (listener) =>
        process.on('message', (message: PredecessorMessage) => message.kind === 'idle' && listener(message)),
      gone: this.#gone.signal,
      keepUp: (on) => (on ? process.channel?.ref() : process.channel?.unref()),
    };
  }

  fail(error: unknown): void {
    this.#say({ kind: 'failed', reason: errorMessage(error) });
  }

  #say(message: SuccessorMessage): void {
    // What can't be said any more is heard of by the end of the channel.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }

  #waitFor<T>(kind: Handover['kind'], use: (message: Handover, handle: unknown) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: PredecessorMessage, handle: unknown) => {
        if (message.kind !== kind) return;
        process.off('message', onMessage as NodeJS.MessageListener);
        try {
          resolve(use(message, handle));
        } catch (error) {
          reject(error instanceof Error ? error : goneError(errorMessage(error)));
        }
      };
      process.on('message', onMessage as NodeJS.MessageListener);
      const onGone = () => reject(goneError(ENDED));
      if (this.#gone.signal.aborted) onGone();
      else this.#gone.signal.addEventListener('abort', onGone, { once: true });
    });
  }
}

function takeSocket(env: NodeJS.ProcessEnv): GivenSocket | undefined {
  const [fd, ...path] = (env[SUCCESSOR_SOCKET_VARIABLE] ?? '').split(':');
  delete env[SUCCESSOR_SOCKET_VARIABLE];
  return path.length === 0 ? undefined : { fd: Number(fd), path: path.join(':') };
}

function goneError(reason: string): UnderstudyError {
  return operatorError('upgrade-failed', `Cannot take over from the running instance: ${reason}.`);
}
