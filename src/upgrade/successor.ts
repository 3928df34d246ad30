// The old process's end of an upgrade: starts the new one from the program and arguments that it was started with, and
// waits for each of its words. See messages.ts for the order.

import { fork, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:net';
import type { Clock } from '../core/clock.js';
import { operatorError, type UnderstudyError } from '../core/errors.js';
import type { Milestone, PredecessorMessage, SuccessorMessage, TrafficOrder } from './messages.js';
import { obey, type OrderedTraffic } from './shared-traffic.js';
import { SUCCESSOR_SOCKET_VARIABLE, SUCCESSOR_VARIABLE, type GivenSocket } from './predecessor.js';

/** For all of its words together, since the pool is held meanwhile. It starts no worker, so it has little to do. */
const PATIENCE_MS = 60_000;

/** What it is at until it says so. */
const STEPS: Readonly<Record<Milestone, string>> = {
  ready: 'read its config and adopted the workers',
  holding: 'took over the lock and the admin API',
  done: 'took over the front',
};

export interface SuccessorOptions {
  readonly clock: Clock;
  readonly frontPort: number;
  /** Ours; it gets a descriptor of its own to the same socket as it starts. */
  readonly frontSocket?: GivenSocket | undefined;
  /** What it needs beside our environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Program and arguments; those of this process by default. */
  readonly command?: readonly string[];
}

export class Successor {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #untilMs: number;
  readonly #said = new Set<Milestone>();
  /** Why nothing more is to be expected of it. */
  #failure: string | undefined;
  #onNews: () => void = () => undefined;
  #led: OrderedTraffic | undefined;
  readonly #orders: TrafficOrder[] = [];

  constructor({ clock, frontPort, frontSocket, env, command = process.argv.slice(1) }: SuccessorOptions) {
    const [program = '', ...args] = command;
    this.#clock = clock;
    this.#untilMs = clock.now() + PATIENCE_MS;
    this.#child = fork(program, args, {
      env: { ...process.env, ...env, [SUCCESSOR_VARIABLE]: String(frontPort), ...socketVariable(frontSocket) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(frontSocket === undefined ? [] : [frontSocket.fd])],
      detached: true,
    });
    this.#child.on('message', (message) => this.#hear(message as SuccessorMessage));
    this.#child.on('exit', (code, signal) =>
      this.#giveUpOn(signal === null ? `it ended with code ${code}` : `${signal} ended it`),
    );
    this.#child.on('error', (error) => this.#giveUpOn(error.message));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws UnderstudyError `upgrade-failed` that says at which step, with its own reason. */
  waitReady(): Promise<void> {
    return this.#waitFor('ready');
  }

  giveRest(token: string): Promise<void> {
    this.#say({ kind: 'yours', token });
    return this.#waitFor('holding');
  }

  giveFront(front: Server): Promise<void> {
    this.#say({ kind: 'front' }, front);
    return this.#waitFor('done');
  }

  /** It is in charge: `traffic` does what it says, for as long as we have something in flight. It no longer keeps us from ending. */
  lead(traffic: OrderedTraffic): void {
    this.#child.unref();
    this.#child.channel?.unref();
    this.#led = traffic;
    for (const order of this.#orders.splice(0)) this.#obey(order);
  }

  /** Nothing is in flight here any more. */
  release(): void {
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
    if (this.#child.connected) this.#child.send(message, front, () => undefined);
  }

  #hear(message: SuccessorMessage): void {
    switch (message.kind) {
      case 'failed':
        return this.#giveUpOn(message.reason);
      case 'targets':
      case 'await-idle':
      case 'abort':
        return this.#obey(message);
      default:
        this.#said.add(message.kind);
        this.#onNews();
    }
  }

  #obey(order: TrafficOrder): void {
    // What it says right behind its `done` comes before anybody here has heard of that.
    if (this.#led === undefined) this.#orders.push(order);
    else obey(order, this.#led, (news) => this.#say(news));
  }

  /** Its own word on why it fails comes before the exit that follows. */
  #giveUpOn(reason: string): void {
    this.#failure ??= reason;
    this.#onNews();
  }

  /** What it said, or failed at, while nobody was waiting counts too. */
  #waitFor(milestone: Milestone): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.startTimer(Math.max(0, this.#untilMs - this.#clock.now()), () =>
        this.#giveUpOn(`it had not done so within ${PATIENCE_MS / 1000} s of its start`),
      );
      this.#onNews = () => {
        if (this.#failure === undefined && !this.#said.has(milestone)) return;
        timer.cancel();
        if (this.#failure === undefined) resolve();
        else reject(upgradeError(STEPS[milestone], this.#failure));
      };
      this.#onNews();
    });
  }
}

/** The first descriptor behind the IPC channel's. */
const SOCKET_FD = 4;

function socketVariable(socket: GivenSocket | undefined): Record<string, string> {
  return socket === undefined ? {} : { [SUCCESSOR_SOCKET_VARIABLE]: `${SOCKET_FD}:${socket.path}` };
}

function upgradeError(step: string, reason: string): UnderstudyError {
  return operatorError(
    'upgrade-failed',
    `The upgrade failed while the new process ${step}, so this one goes on: ${reason}`,
  );
}
