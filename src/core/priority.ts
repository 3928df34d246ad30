// How much of the machine a process may claim against others, in the kernel's own terms. Both the pool's workers and the
// command of `validate` can be given one.

export interface Priority {
  /** From -20 (first) to 19 (last); raising it takes privileges. */
  readonly nice?: number;
  /** Disk: `idle`, or the level of best effort from 0 (first) to 7 (last). */
  readonly io?: 'idle' | number;
  /** CPUs that it may run on, as for `taskset -c`: `0-3,6`. */
  readonly cpus?: string;
}

/** The command with what gives it the priority before it. Each of these programs becomes the next: one process, one pid. */
export function prioritised(command: readonly string[], { nice, io, cpus }: Priority): string[] {
  return [
    ...(nice === undefined ? [] : ['nice', '-n', String(nice)]),
    ...(io === undefined ? [] : ['ionice', ...ioniceFlags(io)]),
    ...(cpus === undefined ? [] : ['taskset', '-c', cpus]),
    ...command,
  ];
}

/** ionice(1): class 3 is idle, class 2 is best effort. */
export function ioniceFlags(io: 'idle' | number): string[] {
  return io === 'idle' ? ['-c', '3'] : ['-c', '2', '-n', String(io)];
}
