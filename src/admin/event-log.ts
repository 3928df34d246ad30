// The bounded log of everything that changed, newest last, with a number each so that a reader can go on where it left.

import { EventEmitter } from 'node:events';
import type { LoggedEvent } from './logged-event.js';

export type EventListener = (event: LoggedEvent) => void;

export class EventLog {
  readonly #capacity: number;
  readonly #events: LoggedEvent[] = [];
  readonly #emitter = new EventEmitter<{ event: [LoggedEvent] }>().setMaxListeners(0);
  #nextSeq = 1;

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** Of the newest; 0 when there was none yet. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  append(event: Omit<LoggedEvent, 'seq'>): LoggedEvent {
    const logged = { seq: this.#nextSeq++, ...event };
    this.#events.push(logged);
    if (this.#events.length > this.#capacity) this.#events.shift();
    this.#emitter.emit('event', logged);
    return logged;
  }

  /** Those kept that come after `seq`, oldest first. */
  since(seq: number): readonly LoggedEvent[] {
    return this.#events.filter((event) => event.seq > seq);
  }

  /** Calls back for each later event; the returned function unsubscribes. */
  onEvent(listener: EventListener): () => void {
    this.#emitter.on('event', listener);
    return () => void this.#emitter.off('event', listener);
  }
}
