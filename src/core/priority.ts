// How much of the machine a process may claim against others, in the kernel's own terms. Both the pool's workers and the
// command of `validate` can be given one.

export interface Priority {
  /** From -20 (first) to 19 (last); raising it takes privileges. */
  readonly nice?: number;
  /** Disk: `idle`, or the level of best effort from 0 (first) to 7 (last). */
  readonly io?: 'idle' | number;
  /** CPUs that it may run on, as for `taskset -c`: `0-3,6`. */
  readonly cpus?: string;
  /** Of its cgroup, from 1 to 10000, against the other ones' 100: its part of the CPU time when there is not enough. */
  readonly weight?: number;
}

/** ionice(1): class 3 is idle, class 2 is best effort. */
export function ioniceFlags(io: 'idle' | number): string[] {
  return io === 'idle' ? ['-c', '3'] : ['-c', '2', '-n', String(io)];
}
