// What outlives us: the state file's content, as types and as the schema that a file is held to. Pure.
import { z } from 'zod';

const workerRecord = z.object({
  /** `<backend>/<number>`. */
  id: z.string(),
  generation: z.number().int(),
  pid: z.number().int().positive(),
  /** With the pid it names one process for as long as the machine is up. */
  startTicks: z.number().int(),
  /** Its command line as the system shows it. */
  command: z.string(),
  host: z.string(),
  port: z.number().int(),
  /** `asleep`: a standby whose application sleeps; one that falls asleep or wakes is `stopping`. */
  state: z.enum(['starting', 'active', 'standby', 'asleep', 'draining', 'stopping']),
  restarts: z.number().int(),
  forks: z.number().int(),
  /** See launch-key.ts. Unknown for a process of an earlier version that only its marks tell of. */
  key: z.string().optional(),
});

const poolMemory = z.object({
  /** The mode that stood; undefined while the first one was still being brought up. */
  mode: z.string().optional(),
  /** What the operator asked of single backends in that mode. Earlier versions wrote none. */
  wishes: z.record(z.string(), z.enum(['active', 'standby'])).optional(),
  workers: z.array(workerRecord),
});

const leaseRecord = z.object({
  id: z.string(),
  holder: z.string(),
  mode: z.string(),
  ttlMs: z.number(),
  order: z.number().int(),
});

const modeMemory = z.object({
  /** The mode that the config began with: another one there outweighs what was set by hand before. */
  initialMode: z.string(),
  hand: z.object({ mode: z.string(), order: z.number().int() }),
  leases: z.array(leaseRecord),
});

export const stateSchema = z.object({
  version: z.literal(1),
  /** Changes with each boot: pids mean nothing on another machine or after a restart of this one. */
  bootId: z.string(),
  pool: poolMemory.optional(),
  modes: modeMemory.optional(),
});

export type PoolState = z.infer<typeof stateSchema>;
export type WorkerRecord = z.infer<typeof workerRecord>;
export type ModeMemory = z.infer<typeof modeMemory>;
