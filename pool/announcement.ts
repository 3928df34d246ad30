// What an app may say of itself in the body of its health answer, as plain text, one announcement a line:
//   drain            no new requests, please; those in flight are finished
//   down: reason     nothing can be served now, and why
//   maxInflight: 4   so many requests at once and no more
// Strict: a body with any other line in it is no announcement at all, since health bodies say all sorts of things.

export interface Announcement {
  readonly drain: boolean;
  /** Why nothing can be served; undefined when it can. */
  readonly down: string | undefined;
  readonly maxInflight: number | undefined;
}

export const nothingAnnounced: Announcement = { drain: false, down: undefined, maxInflight: undefined };

/** Longer bodies are no announcements. */
export const MAX_ANNOUNCEMENT_BYTES = 1024;

const MAX_LIMIT = 1_000_000;

/** One body; of a line that is there twice the last one counts. */
export function parseAnnouncement(body: string): Announcement {
  const lines = body.split(/\r?\n/).map((line) => line.trim());
  let announced = nothingAnnounced;
  for (const line of lines.filter((each) => each !== '')) {
    const said = parseLine(line);
    if (said === undefined) return nothingAnnounced;
    announced = { ...announced, ...said };
  }
  return announced;
}

function parseLine(line: string): Partial<Announcement> | undefined {
  if (line === 'drain') return { drain: true };
  const reason = /^down: (.{1,200})$/.exec(line)?.[1];
  if (reason !== undefined) return { down: printable(reason) };
  const limit = Number(/^maxInflight: ([1-9]\d{0,6})$/.exec(line)?.[1] ?? NaN);
  return limit <= MAX_LIMIT ? { maxInflight: limit } : undefined;
}

/** It ends up in logs and on terminals. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}

/** Whether it can get new requests, by its own word. */
export function isWilling(announced: Announcement): boolean {
  return !announced.drain && announced.down === undefined;
}

/** In words, for an event. */
export function describeAnnouncement({ drain, down, maxInflight }: Announcement): string {
  const parts = [
    ...(down === undefined ? [] : [`it cannot serve: ${down}`]),
    ...(drain ? ['it wants no new requests'] : []),
    ...(maxInflight === undefined ? [] : [`it takes ${maxInflight} requests at once`]),
  ];
  return parts.length === 0 ? 'it serves without limits of its own' : parts.join(', ');
}

export function isSameAnnouncement(one: Announcement, other: Announcement): boolean {
  return one.drain === other.drain && one.down === other.down && one.maxInflight === other.maxInflight;
}
