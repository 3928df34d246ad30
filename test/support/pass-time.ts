// Time for things that wait for timers and for promises in turn.
import { setImmediate } from 'node:timers/promises';
import type { ManualClock } from './manual-clock.js';

const STEP_MS = 250;
/** Of the event loop, after each step. */
const TURNS = 4;

/** Lets that much time pass on the clock, with room in between for what it sets off. */
export async function passTime(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    clock.advance(STEP_MS);
    for (let turn = 0; turn < TURNS; turn++) await setImmediate();
  }
}
