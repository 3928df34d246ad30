// The idle connections to one upstream. The one used last is taken first, so that the others can age out; but those given
// back in this turn of the event loop rest until it is over, for as long as there are others.
//
// That is for epoll's sake. libuv uses it level-triggered, and then it reports what it has reported in one turn first in the
// next, before all that came earlier. An upstream connection used again at once would so overtake every client in each turn:
// all answers first, then all requests, the last of which are sent too late to be answered by the next turn. The waits of
// requests that came together would differ by half; in order of arrival they are alike.

import { Specimen } from '../../specimen.js';
import { takeOut } from '../../take-out.js';

export class IdleConnections<T> {
  /** The ready ones, behind them those that rest. One list that is never emptied at once: V8 would give its room away. */
  readonly #all: T[] = [];
  #ready = 0;
  readonly #specimen = new Specimen<NodeJS.Immediate>();
  readonly #endTurn = () => {
    this.#ready = this.#all.length;
  };

  add(connection: T): void {
    if (this.#ready === this.#all.length) this.#specimen.last = setImmediate(this.#endTurn);
    this.#all.push(connection);
  }

  take(): T | undefined {
    if (this.#ready === 0) return this.#all.pop();
    this.#ready -= 1;
    const taken = this.#all[this.#ready]!;
    takeOut(this.#all, this.#ready);
    return taken;
  }

  /** Whether it is here or not. */
  remove(connection: T): void {
    const index = this.#all.lastIndexOf(connection);
    if (index < 0) return;
    this.#all.splice(index, 1);
    if (index < this.#ready) this.#ready -= 1;
  }

  removeAll(): readonly T[] {
    this.#ready = 0;
    return this.#all.splice(0);
  }
}
