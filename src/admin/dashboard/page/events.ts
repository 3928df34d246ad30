// What has happened, newest first; goes on by itself after a break.

import type { LoggedEvent } from '../../logged-event.js';
import { describeMove } from '../../status-text.js';
import { byId, element } from './elements.js';

const KEPT_EVENTS = 200;
/** Each is an event type of its own in the stream; a kind that is missing here does not compile. */
const KINDS: Readonly<Record<LoggedEvent['kind'], true>> = {
  worker: true,
  health: true,
  promotion: true,
  rehearsal: true,
  mode: true,
  resources: true,
  pressure: true,
  lease: true,
  inheritance: true,
  request: true,
  reload: true,
  upgrade: true,
};

export function followEvents(): void {
  const source = new EventSource('/v1/events?since=0');
  for (const kind of Object.keys(KINDS)) {
    source.addEventListener(kind, ({ data }: MessageEvent<string>) => show(JSON.parse(data) as LoggedEvent));
  }
}

function show(event: LoggedEvent): void {
  const { at, kind, backend, worker, cause, evidence } = event;
  const list = byId('events');
  const about = worker ?? backend ?? kind;
  const move = describeMove(event);
  const why = [cause, evidence === undefined || evidence === '' ? undefined : `(${evidence})`]
    .filter(Boolean)
    .join(' ');
  const time = element('time', { text: new Date(at).toLocaleTimeString() });
  list.prepend(
    element('li', {}, [time, document.createTextNode(` ${about}${move === undefined ? '' : ` ${move}`}: ${why}`)]),
  );
  while (list.children.length > KEPT_EVENTS) list.lastElementChild!.remove();
}
