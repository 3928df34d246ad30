// Observed workers and plan inputs for tests of the planner.
import type { Shape, Wish } from '../../pool/modes.js';
import { shapeOf } from '../../pool/modes.js';
import type { ObservedWorker } from '../../pool/observed.js';
import { defaultPoolOptions, type PoolOptions } from '../../pool/options.js';
import type { PlanInput } from '../../pool/plan-input.js';

export const planOptions: PoolOptions = {
  ...defaultPoolOptions,
  backends: ['primary', 'secondary', 'fallback'].map((name, index) => ({
    name,
    host: '127.0.0.1',
    port: 9_100 + index,
  })),
  command: ['server', '{port}'],
  cwd: '/',
  stateDir: '/',
  logDir: '/',
};

export function observed(id: string, facts: Partial<ObservedWorker> = {}): ObservedWorker {
  const state = facts.state ?? 'off';
  return {
    id,
    backend: id.slice(0, id.lastIndexOf('/')),
    state,
    ready: false,
    usable: state === 'active',
    unfit: false,
    frozen: false,
    asleep: false,
    changing: false,
    rehearsing: false,
    sleepless: false,
    startable: state === 'off' || state === 'failed',
    givenUp: false,
    outdated: false,
    managed: true,
    ...facts,
  };
}

export const SLOTS = ['primary/1', 'primary/2', 'secondary/1', 'secondary/2', 'fallback/1', 'fallback/2'];

/** All slots, off but for those given. */
export function slots(facts: Record<string, Partial<ObservedWorker>>): ObservedWorker[] {
  return SLOTS.map((id) => observed(id, facts[id]));
}

export const THREE_BY_ONE = slots({
  'primary/1': { state: 'active' },
  'secondary/1': { state: 'active' },
  'fallback/1': { state: 'active' },
});

export const TWO_BY_TWO_PLUS_ONE = slots({
  'primary/1': { state: 'active' },
  'primary/2': { state: 'active' },
  'secondary/1': { state: 'active' },
  'secondary/2': { state: 'active' },
  'fallback/1': { state: 'standby', frozen: true },
});

export function planInput(mode: string, workers: readonly ObservedWorker[], facts: Partial<PlanInput> = {}): PlanInput {
  const shape = shapeOf(planOptions, mode);
  return { shape, workers, budget: 5, floor: shape.floor, promised: shape.capacity, steady: true, ...facts };
}

export function shapeWith(capacity: number, wishes: Record<string, Partial<Wish>>): Shape {
  const full = Object.entries(wishes).map(([id, wish]): [string, Wish] => [
    id,
    { role: 'off', temperature: 'frozen', insist: false, ...wish },
  ]);
  return { mode: 'made', wishes: new Map(full), capacity, floor: Math.max(1, capacity - 1), forks: 1 };
}
