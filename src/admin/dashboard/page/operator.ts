// What an operator may ask for: each change carries the token that the instance printed at its start.

import type { StatusView } from '../../status-view.js';
import { button, byId, say } from './elements.js';
import type { BackendAction } from './worker-table.js';

export class Operator {
  readonly #token = byId('token') as HTMLInputElement;
  readonly #outcome = byId('outcome');
  #modes = '';

  constructor() {
    byId('operator').addEventListener('submit', (event) => event.preventDefault());
  }

  /** A button for each mode that there is. */
  show({ mode: { available } }: StatusView): void {
    if (this.#modes === available.join()) return;
    this.#modes = available.join();
    const buttons = available.map((mode) => button(mode, () => void this.#ask(mode, 'PUT', '/v1/mode', { mode })));
    byId('modes').replaceChildren(...buttons);
  }

  act(backend: string, action: BackendAction): void {
    const path = `/v1/backends/${encodeURIComponent(backend)}/${action}`;
    void this.#ask(`${action} ${backend}`, 'POST', path);
  }

  async #ask(what: string, method: string, path: string, body?: object): Promise<void> {
    this.#tell(`${what}: asked for ...`, 'waits');
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token.value.trim()}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
      if (answer.ok) return this.#tell(`${what}: ${answer.status === 202 ? 'on its way' : 'done'}`, 'good');
      const { detail } = (await answer.json()) as { detail?: string };
      this.#tell(`${what}: ${detail ?? `refused with status ${answer.status}`}`, 'bad');
    } catch {
      this.#tell(`${what}: the instance did not answer`, 'bad');
    }
  }

  #tell(text: string, className: string): void {
    say(this.#outcome, text);
    this.#outcome.className = className;
  }
}
