// The whole machine: CPU, load, memory, pressure, out of /proc where there is one. systeminformation tells them elsewhere;
// on Linux it runs two programs synchronously for the CPU (the proxy would stand still for 10 ms at each sample), and
// takes a millisecond or two for what one small file says of memory.
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { currentLoad, mem } from 'systeminformation';
import type { MachineReading, MemoryReading, PressureReading } from '../../src/core/resource-reading.js';
import { tryReadProcFile } from '../proc-file.js';
import { readMemoryLimit, type MemoryLimit } from './memory-limit.js';

interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

export class MachineMeter {
  #lastCpu: CpuTime | undefined;

  /** `rest`: awaited between its looks, none of which takes long. */
  async read(rest: () => Promise<void>): Promise<MachineReading> {
    const limit = readMemoryLimit();
    const memory = within(await readMemory(), limit);
    await rest();
    const cpuShare = await this.#cpuShare();
    await rest();
    return { cores: availableParallelism(), cpuShare, load: loadavg(), memory, pressure: readPressure(limit) };
  }

  async #cpuShare(): Promise<number | undefined> {
    const stat = tryReadProcFile('/proc/stat');
    if (stat === undefined) return (await currentLoad()).currentLoad / 100;
    const now = parseCpuTime(stat);
    const before = this.#lastCpu;
    this.#lastCpu = now;
    if (before === undefined || now.total <= before.total) return undefined;
    return Math.max(0, (now.busy - before.busy) / (now.total - before.total));
  }
}

async function readMemory(): Promise<MemoryReading> {
  const told = parseMemory(tryReadProcFile('/proc/meminfo') ?? '');
  if (told !== undefined) return told;
  const { total, available, swaptotal, swapused } = await mem();
  return { totalBytes: total, availableBytes: available, swapTotalBytes: swaptotal, swapUsedBytes: swapused };
}

/** proc_meminfo(5); undefined for anything else. */
export function parseMemory(meminfo: string): MemoryReading | undefined {
  const [totalBytes, availableBytes, swapTotalBytes, swapFreeBytes] = [
    'MemTotal',
    'MemAvailable',
    'SwapTotal',
    'SwapFree',
  ].map((name) => parseKibibytes(meminfo, name));
  if (totalBytes === undefined || availableBytes === undefined) return undefined;
  if (swapTotalBytes === undefined || swapFreeBytes === undefined) return undefined;
  return { totalBytes, availableBytes, swapTotalBytes, swapUsedBytes: swapTotalBytes - swapFreeBytes };
}

/** In bytes. */
function parseKibibytes(meminfo: string, name: string): number | undefined {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** The first line of /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal guest guest_nice. */
export function parseCpuTime(stat: string): CpuTime {
  const line = stat.slice(0, stat.indexOf('\n'));
  // Guest time is in user time already.
  const times = line.split(/\s+/).slice(1, 9).map(Number);
  const total = times.reduce((sum, time) => sum + time, 0);
  return { busy: total - times[3]! - (times[4] ?? 0), total };
}

/** What new processes can have without swapping, right now; undefined where the kernel does not tell. */
export function readAvailableBytes(): number | undefined {
  const ofMachine = parseKibibytes(tryReadProcFile('/proc/meminfo') ?? '', 'MemAvailable');
  const ofGroup = readMemoryLimit()?.availableBytes;
  return ofMachine === undefined || ofGroup === undefined ? ofMachine : Math.min(ofMachine, ofGroup);
}

/** Exported for its test. */
export function within(memory: MemoryReading, limit: MemoryLimit | undefined): MemoryReading {
  if (limit === undefined) return memory;
  const totalBytes = Math.min(memory.totalBytes, limit.totalBytes);
  return { ...memory, totalBytes, availableBytes: Math.min(memory.availableBytes, limit.availableBytes) };
}

/** That of the memory is the group's where it has a limit: the machine may have plenty. */
function readPressure(limit: MemoryLimit | undefined): PressureReading | undefined {
  const [cpu, ofMachine, io] = ['cpu', 'memory', 'io'].map((name) => tryReadProcFile(`/proc/pressure/${name}`));
  const memory = (limit && tryReadProcFile(join(limit.folder, 'memory.pressure'))) ?? ofMachine;
  if (cpu === undefined || memory === undefined || io === undefined) return undefined;
  return {
    cpuSome: parsePressure(cpu, 'some'),
    memorySome: parsePressure(memory, 'some'),
    memoryFull: parsePressure(memory, 'full'),
    ioSome: parsePressure(io, 'some'),
    ioFull: parsePressure(io, 'full'),
  };
}

/** `some avg10=1.49 avg60=...` (the kernel's accounting/psi). */
export function parsePressure(text: string, line: 'some' | 'full'): number {
  return Number(new RegExp(`^${line} avg10=([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);
}
