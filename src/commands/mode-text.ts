// The mode in a few words, for people.

import type { StatusView } from '../admin/status-view.js';

/** A pool can lack its mode's shape without a switch: a lost worker is being replaced, say. */
export function describeMode({ current, target, converged }: StatusView['mode']): string {
  if (converged) return current;
  return current === target
    ? `${current} (not complete; 'understudy why' tells what is missing)`
    : `${current} -> ${target} (switching)`;
}
