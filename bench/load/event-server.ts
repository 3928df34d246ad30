// A program: server-sent events of 200 bytes, one every EVENT_INTERVAL_MS to each client, each with the time it was sent.
// Argument: port.

import { createServer, type ServerResponse } from 'node:http';
import { eventAt, EVENT_INTERVAL_MS } from './events.js';

/** Clients are served in turns, so that events come one by one as from an application, not in bursts. */
const TURNS = EVENT_INTERVAL_MS;
const clients = Array.from({ length: TURNS }, () => new Set<ServerResponse>());
let arrivals = 0;
let turn = 0;

setInterval(() => {
  turn = (turn + 1) % TURNS;
  for (const response of clients[turn]!) response.write(eventAt(performance.timeOrigin + performance.now()));
}, 1);

const server = createServer((request, response) => {
  if (request.url === '/health') return response.end('ok');
  const own = clients[arrivals++ % TURNS]!;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  own.add(response);
  response.once('close', () => own.delete(response));
  return response;
});
server.listen(Number(process.argv[2]), '127.0.0.1');
