// How many requests at once a worker can take, found from its latency: the gradient between what requests take now and
// what they take in the long run (Gradient2 of Netflix's concurrency-limits). Growing latency means that they queue
// inside the worker; then the limit shrinks and they wait here instead. Meant for requests that are alike. Pure core
// (`nextGradient`), and a small window of samples around it.

export interface GradientOptions {
  readonly lowest: number;
  readonly highest: number;
  readonly initial: number;
}

export interface GradientState {
  readonly limit: number;
  /** What requests take in the long run; 0 before the first window. */
  readonly longMs: number;
}

/** What one window of requests has shown. */
export interface GradientWindow {
  readonly meanMs: number;
  readonly peakInflight: number;
}

/** Latency may grow by half before it counts as queueing. */
const TOLERANCE = 1.5;
/** Requests that may queue in the worker, so that it never runs dry. */
const QUEUE = 4;
const LIMIT_SMOOTHING = 0.2;
const LONG_RUN_SMOOTHING = 0.05;
/** After a bad time the long-run mean is brought down faster than it would come by itself. */
const RECOVERY = 0.95;

export function nextGradient(
  state: GradientState,
  { meanMs, peakInflight }: GradientWindow,
  { lowest, highest }: GradientOptions,
): GradientState {
  const averaged = state.longMs === 0 ? meanMs : state.longMs + (meanMs - state.longMs) * LONG_RUN_SMOOTHING;
  const longMs = averaged > 2 * meanMs ? averaged * RECOVERY : averaged;
  // Half the limit was never used: the latency says nothing about the limit.
  if (peakInflight < state.limit / 2) return { limit: state.limit, longMs };
  const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * longMs) / meanMs));
  const wanted = state.limit * gradient + QUEUE;
  const limit = state.limit + (wanted - state.limit) * LIMIT_SMOOTHING;
  return { limit: Math.max(lowest, Math.min(highest, limit)), longMs };
}

const WINDOW_MS = 1_000;
const WINDOW_SAMPLES = 10;

export interface GradientSample {
  readonly durationMs: number;
  /** In flight when it ended, itself included. */
  readonly inflight: number;
  readonly now: number;
}

export class GradientLimit {
  readonly #options: GradientOptions;
  #state: GradientState;
  #windowFrom = 0;
  #samples = 0;
  #totalMs = 0;
  #peakInflight = 0;

  constructor(options: GradientOptions) {
    this.#options = options;
    this.#state = { limit: options.initial, longMs: 0 };
  }

  get limit(): number {
    return Math.floor(this.#state.limit);
  }

  /** True when the limit was judged anew. */
  sample({ durationMs, inflight, now }: GradientSample): boolean {
    if (this.#samples === 0) this.#windowFrom = now;
    this.#samples += 1;
    this.#totalMs += durationMs;
    this.#peakInflight = Math.max(this.#peakInflight, inflight);
    if (this.#samples < WINDOW_SAMPLES || now - this.#windowFrom < WINDOW_MS) return false;
    const window = { meanMs: Math.max(0.01, this.#totalMs / this.#samples), peakInflight: this.#peakInflight };
    this.#state = nextGradient(this.#state, window, this.#options);
    this.#samples = 0;
    this.#totalMs = 0;
    this.#peakInflight = 0;
    return true;
  }
}
