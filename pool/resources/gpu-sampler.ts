// Asks nvidia-smi now and then, in a rhythm of its own: a driver that hangs or lies must delay nothing else. Its cost
// is bounded by construction (a query that takes long is asked less often), and failures are asked less and less.
import type { Clock, Timer } from '../../src/core/clock.js';
import { DEVICE_QUERY, parseDevices, parseProcesses, PROCESS_QUERY, type GpuDeviceFacts } from './nvidia-csv.js';
import type { GpuProcess, GpuReading } from '../../src/core/resource-reading.js';
import type { RunProgram, RunResult } from './run-with-deadline.js';

export interface GpuSamplerOptions {
  readonly clock: Clock;
  readonly run: RunProgram;
  readonly intervalMs: number;
  /** After so long a query is killed. */
  readonly timeoutMs: number;
  /** nvidia-smi by default. */
  readonly program?: string | undefined;
}

/** At most this share of one core goes into asking. */
const MAX_CORE_SHARE = 0.005;
const MAX_PAUSE_MS = 300_000;

/** nvidia-smi(1), RETURN VALUE. */
const EXIT_NO_DEVICE = 6;
const EXIT_REASONS: Readonly<Record<number, string>> = {
  2: 'it does not know our question (an old driver?)',
  3: 'the device does not support the question',
  4: 'no permission',
  8: 'a power cable of the device is missing',
  9: 'the driver is not loaded',
  10: 'the kernel has an interrupt problem with the device',
  12: 'its library is missing (NVML)',
  13: 'its library is too old (NVML)',
  14: 'the infoROM is corrupted',
  15: 'the device has fallen off the bus',
};

export class GpuSampler {
  readonly #options: GpuSamplerOptions;
  readonly #program: string;
  #reading: GpuReading = { state: 'none', reason: 'not asked yet' };
  #timer: Timer | undefined;
  #running = false;
  #asking: Promise<GpuReading> | undefined;
  #failures = 0;
  #queryMs: number | undefined;

  constructor(options: GpuSamplerOptions) {
    this.#options = options;
    this.#program = options.program ?? 'nvidia-smi';
  }

  get reading(): GpuReading {
    return this.#reading;
  }

  get queryMs(): number | undefined {
    return this.#queryMs;
  }

  /** An upper bound: a query can't burn more CPU than it takes time. */
  get coreShare(): number {
    return (this.#queryMs ?? 0) / Math.max(1, this.#pauseMs());
  }

  /** Idempotent. Resolves with the first answer, or once there is none to be had. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.#loop();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  /** Joins the query under way, if there is one. */
  ask(): Promise<GpuReading> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** By a query that began after the call. */
  async askAnew(): Promise<GpuReading> {
    await this.#asking;
    return this.ask();
  }

  async #loop(): Promise<void> {
    await this.ask();
    if (!this.#running) return;
    this.#timer = this.#options.clock.startTimer(this.#pauseMs(), () => void this.#loop(), { unref: true });
  }

  #pauseMs(): number {
    const { intervalMs } = this.#options;
    // Each query is a fork, which requests wait for; a GPU that is not there is not there a moment later either.
    if (this.#reading.state === 'none') return MAX_PAUSE_MS;
    const affordableMs = Math.max(intervalMs, (this.#queryMs ?? 0) / MAX_CORE_SHARE);
    return Math.min(MAX_PAUSE_MS, affordableMs * 2 ** Math.min(this.#failures, 10));
  }

  async #ask(): Promise<GpuReading> {
    const { clock } = this.#options;
    const beganAtMs = clock.now();
    this.#reading = await this.#query();
    // Where there is no driver, asking costs nothing worth counting.
    this.#queryMs = this.#reading.state === 'none' ? undefined : clock.now() - beganAtMs;
    this.#failures = this.#reading.state === 'seen' ? 0 : this.#failures + 1;
    return this.#reading;
  }

  async #query(): Promise<GpuReading> {
    const asked = await this.#run(DEVICE_QUERY);
    if (asked.kind !== 'exited' || asked.code !== 0) return withoutAnswer(asked, this.#options.timeoutMs);
    const devices = parseDevices(asked.stdout);
    if (devices === undefined) return failing('it answered something else than the CSV that was asked for');
    if (devices.length === 0) return { state: 'none', reason: 'nvidia-smi sees no device' };
    const apps = await this.#run(PROCESS_QUERY);
    // Devices are worth knowing without their processes: some drivers don't tell those at all.
    const processes = apps.kind === 'exited' && apps.code === 0 ? parseProcesses(apps.stdout) : undefined;
    return { state: 'seen', at: this.#options.clock.epochNow(), devices: joinProcesses(devices, processes ?? []) };
  }

  #run(query: readonly string[]): Promise<RunResult> {
    const { run, timeoutMs } = this.#options;
    return run([this.#program, ...query], timeoutMs);
  }
}

function joinProcesses(
  devices: readonly GpuDeviceFacts[],
  processes: readonly (GpuProcess & { readonly uuid: string })[],
) {
  return devices.map((device) => ({
    ...device,
    processes: processes
      .filter(({ uuid }) => uuid === device.uuid)
      .map(({ pid, memoryBytes }) => ({ pid, memoryBytes })),
  }));
}

function withoutAnswer(result: RunResult, timeoutMs: number): GpuReading {
  switch (result.kind) {
    case 'not-found':
      return { state: 'none', reason: 'there is no nvidia-smi on PATH' };
    case 'unrunnable':
      return failing(`it can't be run: ${result.reason}`);
    case 'overdue':
      return failing(`it did not answer within ${timeoutMs} ms and was killed`);
    case 'too-much-output':
      return failing('it answered far more than was asked for');
    case 'exited': {
      if (result.code === EXIT_NO_DEVICE) return { state: 'none', reason: 'nvidia-smi sees no device' };
      const known = EXIT_REASONS[result.code ?? -1];
      const said = firstLine(result.stderr) ?? firstLine(result.stdout);
      return failing(known ?? `it ended with ${result.code ?? 'a signal'}${said === undefined ? '' : `: ${said}`}`);
    }
  }
}

function failing(reason: string): GpuReading {
  return { state: 'failing', reason: `nvidia-smi: ${reason}` };
}

function firstLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '')
    ?.slice(0, 200);
}
