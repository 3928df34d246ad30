// The Date of our own answers (RFC 9110 sections 5.6.7 and 6.6.1), made once a second. It is read off the system's clock: it
// decides nothing, and whoever refuses something has no clock at hand.

import { systemClock } from '../src/core/clock.js';

let text = '';
let madeIn = -1;

/** An IMF-fixdate. */
export function httpDate(): string {
  const second = Math.floor(systemClock.epochNow() / 1_000);
  if (second === madeIn) return text;
  text = new Date(second * 1_000).toUTCString();
  madeIn = second;
  return text;
}
