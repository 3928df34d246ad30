// Open-loop load: requests leave at their appointed times, whether or not earlier ones were answered, so that queueing
// shows. A latency counts from the appointed time. The appointments are random, from a seed: the same for every option.

import { Agent, request } from 'node:http';

export interface Answer {
  /** When it should have left, by performance.now(). */
  readonly dueAt: number;
  readonly doneAt: number;
  readonly ok: boolean;
}

const TIMEOUT_MS = 15_000;

export class OpenLoad {
  readonly answers: Answer[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #url: string;
  readonly #meanGapMs: number;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #inflight = 0;
  #dueAt = performance.now();

  constructor(url: string, { perSecond, seed }: { readonly perSecond: number; readonly seed: number }) {
    this.#url = url;
    this.#meanGapMs = 1000 / perSecond;
    this.#random = seededRandom(seed);
    this.#schedule();
  }

  /** Sends nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#inflight > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#agent.destroy();
  }

  #schedule(): void {
    // Exponential gaps make a Poisson process: what independent users are.
    this.#dueAt += -Math.log(1 - this.#random()) * this.#meanGapMs;
    this.#timer = setTimeout(
      () => {
        void this.#ask(this.#dueAt);
        this.#schedule();
      },
      Math.max(0, this.#dueAt - performance.now()),
    );
  }

  async #ask(dueAt: number): Promise<void> {
    this.#inflight += 1;
    const ok = await this.#send().catch(() => false);
    this.#inflight -= 1;
    this.answers.push({ dueAt, doneAt: performance.now(), ok });
  }

  #send(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, { agent: this.#agent, timeout: TIMEOUT_MS }, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => resolve(response.statusCode === 200));
      });
      sent.once('timeout', () => sent.destroy(new Error('timeout')));
      sent.once('error', reject);
      sent.end();
    });
  }
}

/** mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
