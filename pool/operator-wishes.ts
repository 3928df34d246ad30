// What the operator asked of single backends, by hand: laid over the mode's shape until the mode changes.
import { backendOf, type Role, type Shape, type Wish } from './modes.js';

export type WishedRole = Extract<Role, 'active' | 'standby'>;

/** By backend. */
export type OperatorWishes = ReadonlyMap<string, WishedRole>;

export const NO_WISHES: OperatorWishes = new Map();

/**
 * The promise of the mode stays as it is: what the operator takes out, a standby fills. It rests running, whatever the
 * mode's temperature, so that it stays reachable for a look.
 */
export function withOperatorWishes(shape: Shape, operator: OperatorWishes): Shape {
  if (operator.size === 0) return shape;
  const wishes = [...shape.wishes].map(([id, wish]): [string, Wish] => {
    const role = operator.get(backendOf(id));
    if (role === undefined || role === wish.role) return [id, wish];
    return [id, { role, temperature: 'hot', insist: true }];
  });
  return { ...shape, wishes: new Map(wishes) };
}
