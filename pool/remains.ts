// What is left of process groups whose leaders have ended. The end of a leader is told at once, since requests hang on it;
// the rest of its group was sent SIGKILL then, and the kernel takes some milliseconds more to end each.
import { waitFor, type Clock } from '../src/core/clock.js';
import { isGroupAlive } from './process-table.js';
import type { WorkerProcess } from './worker-runtime.js';

const LOOK_EVERY_MS = 5;
const REST_PER_LOOK = 20;
/** Counted from the leader's end. What the kernel has not ended by then hangs in a driver, and nobody can end it. */
const GIVE_UP_AFTER_MS = 5_000;

interface EndedGroup {
  readonly group: number;
  readonly endedAtMs: number;
}

export class Remains {
  readonly #clock: Clock;
  #ended: readonly EndedGroup[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Once this process, the leader, has ended, `gone` waits for the rest of its group. Returns the process. */
  watch(process: WorkerProcess): WorkerProcess {
    const { pid } = process;
    if (pid === undefined) return process;
    process.onExit(() => {
      this.#ended = [
        ...this.#ended.filter((ended) => this.#isRecent(ended)),
        { group: pid, endedAtMs: this.#clock.now() },
      ];
    });
    return process;
  }

  /** Resolves once none of these groups has a process left, or when that takes too long. */
  async gone(): Promise<void> {
    const isLeft = (ended: EndedGroup) => this.#isRecent(ended) && isGroupAlive(ended.group);
    for (;;) {
      const beganAtMs = this.#clock.now();
      if (!this.#ended.some(isLeft)) return;
      // A look reads all processes of the machine, and no request is served meanwhile: so it is not taken often.
      const tookMs = this.#clock.now() - beganAtMs;
      await waitFor(this.#clock, Math.max(LOOK_EVERY_MS, tookMs * REST_PER_LOOK));
    }
  }

  #isRecent({ endedAtMs }: EndedGroup): boolean {
    return this.#clock.now() < endedAtMs + GIVE_UP_AFTER_MS;
  }
}
