// Closed-loop load for process tests: a fixed number of keep-alive connections that ask again as soon as they are
// answered, with every failure kept. `stop()` ends it and tells.

import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';

export interface LoadResult {
  readonly answered: number;
  /** One line for each request that was not answered with 2xx. */
  readonly failures: readonly string[];
}

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  /** Connects there instead of where the URL says. */
  readonly socketPath?: string;
}

export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #agent: Agent;
  readonly #loops: readonly Promise<void>[];
  readonly #failures: string[] = [];
  #answered = 0;
  #stopped = false;
  #onAnswer: () => void = () => undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
    this.#loops = Array.from({ length: options.connections }, () => this.#loop());
  }

  /** Resolves once `count` more requests have been answered. */
  waitForAnswers(count: number): Promise<void> {
    const wanted = this.#answered + count;
    return new Promise((resolve) => {
      this.#onAnswer = () => this.#answered >= wanted && resolve();
    });
  }

  async stop(): Promise<LoadResult> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
    return { answered: this.#answered, failures: this.#failures };
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      try {
        const status = await this.#ask();
        if (status >= 200 && status < 300) this.#answered += 1;
        else this.#failures.push(`status ${status}`);
      } catch (error) {
        this.#failures.push(String(error));
      }
      this.#onAnswer();
    }
  }

  async #ask(): Promise<number> {
    const { url, socketPath } = this.#options;
    const sent = request(url, { agent: this.#agent, socketPath });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode ?? 0;
  }
}
