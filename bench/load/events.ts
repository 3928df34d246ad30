// The event that server and client of the stream bench agree on.

/** Between two events to one client. */
export const EVENT_INTERVAL_MS = 10;
const EVENT_BYTES = 200;
const HEAD = 'data: ';
const TIME_CHARACTERS = 18;

/** One event of 200 bytes that carries the time it was sent, in milliseconds since the epoch. */
export function eventAt(sentAtMs: number): string {
  const start = HEAD + sentAtMs.toFixed(4).padStart(TIME_CHARACTERS) + ' ';
  return `${start.padEnd(EVENT_BYTES - 2, 'x')}\n\n`;
}

/** When the event that begins here was sent. */
export function sentAt(text: string, eventStart: number): number {
  const start = eventStart + HEAD.length;
  return Number(text.slice(start, start + TIME_CHARACTERS));
}

/** Where the first event from this position begins, or -1. */
export function findEvent(text: string, from: number): number {
  return text.indexOf(HEAD, from);
}
