// What the acts under memory pressure make of a shape: colder standbys. Pure.
import type { Shape, Wish } from './modes.js';
import type { Temperature } from './options.js';
import type { PressureAct } from './resources/pressure-ladder.js';

/** A standby that the operator keeps at hand by name stays as it is. */
export function underPressure(shape: Shape, acts: readonly PressureAct[]): Shape {
  const coldest: Temperature | undefined = acts.includes('sleep-standby')
    ? 'asleep'
    : acts.includes('freeze-standby')
      ? 'frozen'
      : undefined;
  if (coldest === undefined) return shape;
  const colder = (wish: Wish): Wish =>
    wish.role === 'standby' && !wish.insist && isWarmer(wish.temperature, coldest)
      ? { ...wish, temperature: coldest }
      : wish;
  return { ...shape, wishes: new Map([...shape.wishes].map(([id, wish]) => [id, colder(wish)])) };
}

/** Whether an act would make any standby of the shape colder. */
export function hasWarmer(shape: Shape, temperature: Temperature): boolean {
  return [...shape.wishes.values()].some(
    ({ role, insist, temperature: own }) => role === 'standby' && !insist && isWarmer(own, temperature),
  );
}

const COLDER: readonly Temperature[] = ['hot', 'frozen', 'asleep', 'cold'];

function isWarmer(one: Temperature, other: Temperature): boolean {
  return COLDER.indexOf(one) < COLDER.indexOf(other);
}
