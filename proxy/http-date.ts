// The Date of our own answers, and of those that come without one (RFC 9110 sections 5.6.7 and 6.6.1), made once a second.
// Code that refuses a request has no clock at hand. A date decides nothing, so there the system's clock will do.

import { systemClock, type Clock } from '../src/core/clock.js';

let text = '';
let madeIn = -1;

/** An IMF-fixdate. */
export function httpDate(clock: Clock = systemClock): string {
  const second = Math.floor(clock.epochNow() / 1_000);
  if (second === madeIn) return text;
  text = new Date(second * 1_000).toUTCString();
  madeIn = second;
  return text;
}
