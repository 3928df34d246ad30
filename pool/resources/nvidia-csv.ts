// What nvidia-smi prints, as values. Pure. The questions and the format are those of nvidia-smi(1): one CSV line a
// device or process, `[N/A]` and the like where the device does not tell, memory in MiB with `nounits`.
import type { GpuDevice, GpuProcess } from '../../src/core/resource-reading.js';

const FORMAT = '--format=csv,noheader,nounits';

/** The name comes last: it is the one field that may hold a comma. */
export const DEVICE_QUERY = [
  '--query-gpu=index,uuid,utilization.gpu,memory.total,memory.used,temperature.gpu,name',
  FORMAT,
] as const;

export const PROCESS_QUERY = ['--query-compute-apps=gpu_uuid,pid,used_memory', FORMAT] as const;

export type GpuDeviceFacts = Omit<GpuDevice, 'processes'>;

const BYTES_PER_MIB = 1024 * 1024;

/** Undefined when any line is not as documented: half a reading is worse than none. */
export function parseDevices(text: string): readonly GpuDeviceFacts[] | undefined {
  return parseLines(text, (line) => {
    const [index, uuid, busy, total, used, temperature, ...name] = line.split(', ');
    if (!/^\d+$/.test(index ?? '') || uuid === undefined || name.length === 0) return undefined;
    return {
      index: Number(index),
      uuid,
      name: name.join(', '),
      busyShare: times(busy, 0.01),
      memoryTotalBytes: times(total, BYTES_PER_MIB),
      memoryUsedBytes: times(used, BYTES_PER_MIB),
      temperatureCelsius: times(temperature, 1),
    };
  });
}

/** Compute processes with the device that each is on; an empty text is a device that nobody uses. */
export function parseProcesses(text: string): readonly (GpuProcess & { readonly uuid: string })[] | undefined {
  return parseLines(text, (line) => {
    const [uuid, pid, used] = line.split(', ');
    if (uuid === undefined || !/^\d+$/.test(pid ?? '')) return undefined;
    return { uuid, pid: Number(pid), memoryBytes: times(used, BYTES_PER_MIB) };
  });
}

function parseLines<T>(text: string, parse: (line: string) => T | undefined): readonly T[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const values = lines.map((line) => parse(line.trim()));
  return values.every((value) => value !== undefined) ? values : undefined;
}

function times(field: string | undefined, factor: number): number | undefined {
  return field !== undefined && /^\d+(\.\d+)?$/.test(field) ? Number(field) * factor : undefined;
}
