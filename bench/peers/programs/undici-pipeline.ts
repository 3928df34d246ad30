// A peer: node:http in front, undici's pool behind, joined by its pipeline. Arguments: port, upstream port.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 256 });

/** What undici refuses to send, or frames itself. */
const DROPPED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect']);

const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  const { method, url, socket } = request;
  const headers = {
    ...endToEnd(request.headers),
    'x-forwarded-for': socket.remoteAddress,
    'x-request-id': randomUUID(),
  };
  const options = { method: method as Dispatcher.HttpMethod, path: url!, headers };
  const through = pool.pipeline(options, ({ statusCode, headers: answered, body }) => {
    response.writeHead(statusCode, endToEnd(answered));
    return body;
  });
  pipeline(request, through, response, () => undefined);
});
server.listen(port, '127.0.0.1');

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !DROPPED.has(name)));
}
