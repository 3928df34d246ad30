// The idle connections to one upstream. The one used last is taken first, so that the others can age out; but those given
// back in this turn of the event loop rest until it is over, for as long as there are others.
//
// That is for epoll's sake. libuv uses it level-triggered, and then it reports what it has reported in one turn first in the
// next, before all that came earlier. An upstream connection used again at once would so overtake every client in each turn:
// all answers first, then all requests, the last of which are sent too late to be answered by the next turn. The waits of
// requests that came together would differ by half; in order of arrival they are alike.

import { Specimen } from '../../specimen.js';

export class IdleConnections<T> {
  readonly #ready: T[] = [];
  readonly #resting: T[] = [];
  readonly #specimen = new Specimen<NodeJS.Immediate>();
  readonly #endTurn = () => {
    this.#ready.push(...this.#resting);
    this.#resting.length = 0;
  };

  add(connection: T): void {
    if (this.#resting.length === 0) this.#specimen.last = setImmediate(this.#endTurn);
    this.#resting.push(connection);
  }

  take(): T | undefined {
    return this.#ready.pop() ?? this.#resting.pop();
  }

  /** Whether it is here or not. */
  remove(connection: T): void {
    for (const list of [this.#ready, this.#resting]) {
      const index = list.lastIndexOf(connection);
      if (index >= 0) list.splice(index, 1);
    }
  }

  removeAll(): readonly T[] {
    return [...this.#ready.splice(0), ...this.#resting.splice(0)];
  }
}
