// The old process's end of an upgrade: starts the new one from the program and arguments that it was started with, and
// waits for each of its words. See messages.ts for the order.

import { fork, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:net';
import type { Clock } from '../core/clock.js';
import { UnderstudyError } from '../core/errors.js';
import type { PredecessorMessage, SuccessorMessage } from './messages.js';
import { SUCCESSOR_VARIABLE } from './predecessor.js';

/** For each of its words. It starts no worker, so it has little to do. */
const PATIENCE_MS = 60_000;

export class Successor {
  readonly #child: ChildProcess;
  readonly #clock: Clock;

  /** @param env what it needs beside our environment. */
  constructor(clock: Clock, env: Readonly<Record<string, string>> = {}) {
    const [, program = '', ...args] = process.argv;
    this.#clock = clock;
    this.#child = fork(program, args, {
      env: { ...process.env, ...env, [SUCCESSOR_VARIABLE]: String(process.pid) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    this.#child.on('error', () => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws UnderstudyError `upgrade-failed` with its own reason. */
  waitReady(): Promise<void> {
    return this.#waitFor('ready');
  }

  giveFront(front: Server): Promise<void> {
    const serving = this.#waitFor('serving');
    this.#say({ kind: 'front' }, front);
    return serving;
  }

  giveRest(): Promise<void> {
    const done = this.#waitFor('done');
    this.#say({ kind: 'yours' });
    return done;
  }

  /** It goes its own way: it no longer keeps us from ending. */
  release(): void {
    this.#child.unref();
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Resolves once it is gone. */
  async end(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #say(message: PredecessorMessage, front?: Server): void {
    // What can't be said any more is heard of by its exit.
    this.#child.send(message, front, () => undefined);
  }

  #waitFor(kind: SuccessorMessage['kind']): Promise<void> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (reason?: string) => {
        timer.cancel();
        child.off('message', onMessage).off('exit', onExit);
        if (reason === undefined) resolve();
        else reject(upgradeError(reason));
      };
      const onMessage = (message: unknown) => {
        const said = message as SuccessorMessage;
        if (said.kind === kind) settle();
        else if (said.kind === 'failed') settle(said.reason);
      };
      const onExit = (code: number | null) => settle(`it ended with code ${code} before it was ${kind}`);
      const timer = this.#clock.startTimer(PATIENCE_MS, () =>
        settle(`it was not ${kind} within ${PATIENCE_MS / 1000} s`),
      );
      child.on('message', onMessage).on('exit', onExit);
    });
  }
}

function upgradeError(reason: string): UnderstudyError {
  return new UnderstudyError(`The new process did not come up, so this one goes on: ${reason}`, {
    code: 'upgrade-failed',
    source: 'operator',
  });
}
