// Closed-loop load with exact accounts: each request has a key of its own, GET and POST in turn, and what the client
// was told is kept beside it. Compared with what the app says that it executed, nothing can be lost or done twice unseen.
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';

export interface AccountedRequest {
  readonly method: 'GET' | 'POST';
  readonly key: string;
  /** The answer's status, or what broke the connection. */
  readonly status: number | string;
  /** x-understudy-reason, when the answer was not the app's. */
  readonly reason: string | undefined;
}

export class AccountedLoad {
  readonly #url: string;
  readonly #name: string;
  readonly #agent: Agent;
  readonly #loops: readonly Promise<void>[];
  readonly #requests: AccountedRequest[] = [];
  #sent = 0;
  #stopped = false;
  #onAnswer: () => void = () => undefined;

  /** `name` is in each key, so that loads one after the other do not share any. */
  constructor(url: string, { connections, name }: { readonly connections: number; readonly name: string }) {
    this.#url = url;
    this.#name = name;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#loops = Array.from({ length: connections }, () => this.#loop());
  }

  /** Resolves once `count` more requests are over. */
  waitFor(count: number): Promise<void> {
    const wanted = this.#requests.length + count;
    return new Promise((resolve) => {
      this.#onAnswer = () => this.#requests.length >= wanted && resolve();
    });
  }

  /** Resolves with every request ever sent, once each is over. */
  async stop(): Promise<readonly AccountedRequest[]> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
    return this.#requests;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const number = this.#sent++;
      const method = number % 2 === 0 ? 'GET' : 'POST';
      const key = `${this.#name}-${number}`;
      this.#requests.push({ method, key, ...(await this.#ask(method, key)) });
      this.#onAnswer();
    }
  }

  async #ask(method: string, key: string): Promise<Pick<AccountedRequest, 'status' | 'reason'>> {
    try {
      const sent = request(`${this.#url}/work?key=${key}&ms=10`, { method, agent: this.#agent });
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const reason = response.headers['x-understudy-reason'];
      response.resume();
      await once(response, 'end');
      return { status: response.statusCode!, reason: reason === undefined ? undefined : String(reason) };
    } catch (error) {
      return { status: String(error), reason: undefined };
    }
  }
}
