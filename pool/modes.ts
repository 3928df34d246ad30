// From a mode's few numbers to what each worker slot should be. Pure. Leaves the way there to the planner.
import { unknownName } from '../src/core/errors.js';
import { isManaged, type ModeOptions, type PoolOptions, type Temperature } from './options.js';

export type Role = 'active' | 'standby' | 'off';

/** What one worker should be. */
export interface Wish {
  readonly role: Role;
  /** Meaningful for a standby only. */
  readonly temperature: Temperature;
  /** The operator asked for this role by name: capacity may fall below the mode's for it, down to the floor. */
  readonly insist: boolean;
}

/** What the pool should be. */
export interface Shape {
  readonly mode: string;
  /** One wish a worker, in the order of the backends; a worker that is not listed should be off. */
  readonly wishes: ReadonlyMap<string, Wish>;
  /** Usable workers that the mode promises. */
  readonly capacity: number;
  /** Usable workers below which we never go by our own action. */
  readonly floor: number;
  /** Processes that each worker of a server that forks by itself should have. */
  readonly forks: number;
}

export function roleIn(shape: Shape, id: string): Role {
  return shape.wishes.get(id)?.role ?? 'off';
}

/** `<backend>/<number>`, the identity of a worker for as long as the pool lives. */
export function workerId(backend: string, number: number): string {
  return `${backend}/${number}`;
}

function roleAt(mode: ModeOptions, position: number): Role {
  if (position < mode.active) return 'active';
  return position < mode.active + mode.standby ? 'standby' : 'off';
}

/** @throws UnderstudyError (operator) `unknown-mode`, naming those that exist. */
export function modeNamed(options: PoolOptions, name: string): ModeOptions {
  const mode = Object.hasOwn(options.modes, name) ? options.modes[name] : undefined;
  if (mode !== undefined) return mode;
  throw unknownName('mode', name, Object.keys(options.modes));
}

export function shapeOf(options: PoolOptions, name: string): Shape {
  const mode = modeNamed(options, name);
  const wishes = new Map<string, Wish>();
  let capacity = 0;
  options.backends.forEach((backend, position) => {
    const role = roleAt(mode, position);
    const count = workersOf(options, role === 'active' ? mode.workers : (mode.standbyWorkers ?? 1));
    // Nobody but its owner can add workers to a backend that is not ours.
    for (let number = 1; number <= (isManaged(backend) ? count : 1); number++) {
      wishes.set(workerId(backend.name, number), { role, temperature: mode.temperature, insist: false });
      if (role === 'active') capacity++;
    }
  });
  const floor = mode.floor ?? Math.max(1, capacity - 1);
  return { mode: name, wishes, capacity, floor, forks: mode.workers };
}

/** A server that forks by itself is one worker to us, whatever the number of its processes. */
function workersOf(options: PoolOptions, count: number): number {
  return forksItself(options.command) ? 1 : count;
}

export function forksItself(command: readonly string[]): boolean {
  return command.some((part) => part.includes('{workers}'));
}

/** Processes that a shape may need at once; an unmanaged backend runs none of ours. */
export function processesOf(options: PoolOptions, shape: Shape): number {
  const managed = new Set(options.backends.filter(isManaged).map((backend) => backend.name));
  // A cold standby counts: once it stands in, the worker that it stands in for must still have room to come back.
  return [...shape.wishes].filter(([id, wish]) => managed.has(backendOf(id)) && wish.role !== 'off').length;
}

export function backendOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/'));
}

/** Whether a wish needs a running process. */
export function runs(wish: Wish): boolean {
  return wish.role === 'active' || (wish.role === 'standby' && wish.temperature !== 'cold');
}

/** Most processes at once: what the operator allows, else the most that any mode may need. */
export function budgetOf(options: PoolOptions): number {
  if (options.budget?.workers !== undefined) return options.budget.workers;
  return Math.max(...Object.keys(options.modes).map((name) => processesOf(options, shapeOf(options, name))));
}
