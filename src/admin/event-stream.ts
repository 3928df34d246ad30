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
    else response.write(`id: ${event.seq}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  response.write(': the events of this instance\n\n');
  for (const event of events.since(lastRead(request, events))) send(event);
  const unsubscribe = events.onEvent(send);
  response.once('close', unsubscribe);
  return reply;
}

/**
 * Without a wish a reader gets what comes from now on. An EventSource that reconnects repeats its URL: the header knows
 * better. Who has read more than there is has read it in a process before this one.
 */
function lastRead(request: FastifyRequest, { lastSeq }: EventLog): number {
  const since = request.headers['last-event-id'] ?? (request.query as { since?: string }).since;
  const seq = typeof since === 'string' ? Number.parseInt(since, 10) : Number.NaN;
  if (Number.isNaN(seq)) return lastSeq;
  return seq > lastSeq ? 0 : seq;
}
