// GET /v1/events: the event log as server-sent events (WHATWG HTML 9.2). A reader that reconnects with Last-Event-ID
// goes on where it left; one that cannot keep up is cut off, so that it can't hold memory.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventLog } from './event-log.js';
import type { LoggedEvent } from './logged-event.js';

const MAX_BUFFERED_BYTES = 1024 * 1024;

/** Takes the reply over and streams until either side ends. `?since=N` or Last-Event-ID says where to begin. */
export function streamEvents(request: FastifyRequest, reply: FastifyReply, events: EventLog): FastifyReply {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  if (request.method === 'HEAD') return reply.raw.end() && reply;
  const send = (event: LoggedEvent) => {
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    else response.write(`id: ${events.id}-${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  response.write(': the events of this instance\n\n');
  for (const event of events.since(lastRead(request, events))) send(event);
  const unsubscribe = events.onEvent(send);
  response.once('close', unsubscribe);
  return reply;
}

/**
 * Without a wish a reader gets what comes from now on. An EventSource that reconnects repeats its URL: the header knows
 * better. Whoever has read a log of a process before this one, or more than there is, begins anew.
 */
function lastRead(request: FastifyRequest, { id, lastSeq }: EventLog): number {
  const [, log, read] = /^(\w+)-(\d+)$/.exec(String(request.headers['last-event-id'])) ?? [];
  if (log !== undefined) return log === id ? Number(read) : 0;
  const seq = Number.parseInt((request.query as { since?: string }).since ?? '', 10);
  if (Number.isNaN(seq)) return lastSeq;
  return seq > lastSeq ? 0 : seq;
}
