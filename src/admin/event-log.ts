// The bounded log of everything that changed, newest last, with a number each so that a reader can go on where it left.

import { EventEmitter } from 'node:events';

export interface LoggedEvent {
  /** Grows by one; a gap means that the reader was too slow. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: string;
  readonly backend?: string;
  readonly worker?: string;
  readonly from?: string;
  readonly to?: string;
  /** What set it off, in plain words. */
  readonly cause?: string;
  readonly evidence?: string;
  /** The rule of the design that it follows from. */
  readonly rule?: string;
}

export type EventListener = (event: LoggedEvent) => void;

export class EventLog {
  readonly #capacity: number;
  readonly #events: LoggedEvent[] = [];
  readonly #emitter = new EventEmitter<{ event: [LoggedEvent] }>().setMaxListeners(0);
  #nextSeq = 1;

  constructor(capacity = 1000) {
    this.#capacity = capacity;
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
