// Tells systemd how we are: ready, stopping, which process is in charge, and that we are alive. Node has no datagram
// sockets of the Unix kind, so systemd's own program `systemd-notify` does the sending; a failure is told once and harms
// nothing but what systemd believes.

import { execa } from 'execa';
import type { Clock, Timer } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { PassedEnvironment } from './passed-environment.js';

export interface ServiceNotifierDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

const PROGRAM = 'systemd-notify';
const DEADLINE_MS = 5_000;

export class ServiceNotifier {
  readonly #passed: PassedEnvironment;
  readonly #deps: ServiceNotifierDeps;
  /** One word after the other: systemd goes by their order. */
  #said: Promise<void> = Promise.resolve();
  #watchdog: Timer | undefined;
  #failed = false;

  constructor(passed: PassedEnvironment, deps: ServiceNotifierDeps) {
    this.#passed = passed;
    this.#deps = deps;
  }

  /** Alive from here on as long as our event loop turns: a stuck one falls silent, and the watchdog bites. */
  noteReady(status: string): void {
    // After an upgrade another process is in charge than the one that systemd started.
    this.#say(`MAINPID=${process.pid}`, 'READY=1', `STATUS=${status}`);
    this.#feedWatchdog();
  }

  noteStopping(): void {
    this.#say('STOPPING=1', 'STATUS=finishing what is in flight');
  }

  /** Resolves once everything is said. */
  async stop(): Promise<void> {
    this.#watchdog?.cancel();
    await this.#said;
  }

  #feedWatchdog(): void {
    const { watchdogMs } = this.#passed;
    if (watchdogMs === undefined) return;
    this.#watchdog = this.#deps.clock.startTimer(
      watchdogMs / 2,
      () => {
        this.#say('WATCHDOG=1');
        this.#feedWatchdog();
      },
      { unref: true },
    );
  }

  #say(...assignments: readonly string[]): void {
    if (this.#passed.notifySocket === undefined) return;
    this.#said = this.#said.then(() => this.#send(assignments));
  }

  async #send(assignments: readonly string[]): Promise<void> {
    const env = { NOTIFY_SOCKET: this.#passed.notifySocket };
    try {
      await execa(PROGRAM, [...assignments], { env, stdin: 'ignore', timeout: DEADLINE_MS });
    } catch (error) {
      if (!this.#failed) this.#deps.log.warn({ reason: errorMessage(error) }, 'systemd can not be told how we are');
      this.#failed = true;
    }
  }
}
