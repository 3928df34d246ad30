// What the pool tells the outside. What happens within a turn is told once traffic is routed: logs and listeners can wait,
// requests can't.
import type { Clock } from '../src/core/clock.js';
import type { Orphan } from './orphans.js';
import type { PoolEvent } from './pool-event.js';
import type { Why } from './why.js';
import type { Worker } from './worker.js';

export interface NewsDeps {
  readonly clock: Clock;
  /** Within a turn items are kept until they are told. */
  readonly isTurning: () => boolean;
  readonly tell: (event: PoolEvent) => void;
}

/** What happened; when and to whom is added. */
export type Item = Omit<PoolEvent, 'at' | 'worker'> & { readonly evidence?: string | undefined };

export class News {
  readonly #deps: NewsDeps;
  readonly #kept: PoolEvent[] = [];

  constructor(deps: NewsDeps) {
    this.#deps = deps;
  }

  /** Tells what was kept. */
  tell(): void {
    for (const event of this.#kept.splice(0)) this.#deps.tell(event);
  }

  announce(item: Item, worker?: Worker): void {
    this.note(item, worker);
    if (!this.#deps.isTurning()) this.tell();
  }

  /** To be told in the turn that comes of it: before what follows, and not before traffic is routed. */
  note(item: Item, worker?: Worker): void {
    const about = worker === undefined ? {} : { backend: worker.backend.name, worker: worker.id };
    this.#kept.push({ at: this.#deps.clock.epochNow(), ...about, ...item });
  }

  announceRouted(worker: Worker, routedMs: number, { cause }: Why): void {
    const evidence = `traffic was routed ${routedMs.toFixed(2)} ms after the event`;
    this.announce({ kind: 'promotion', cause, evidence }, worker);
  }

  announceProved(worker: Worker, provenMs: number): void {
    this.announce({ kind: 'promotion', cause: `first answer ${provenMs.toFixed(1)} ms after the event` }, worker);
  }

  announceRehearsed(worker: Worker, temperature: string, ms: number): void {
    const evidence = `from ${temperature} to its answer in ${ms.toFixed(1)} ms`;
    this.announce({ kind: 'rehearsal', cause: 'a standby showed that it still answers', evidence }, worker);
  }

  announceOrphan({ pid, what }: Orphan, fate: string): void {
    const cause = `process ${pid} (${what}), left by an earlier Understudy, ${fate}`;
    this.announce({ kind: 'inheritance', cause });
  }
}
