// The bundled demo backend: what `npm start` runs when there is no Python. Node's own http, nothing to install.
// GET / says who answers; /health is 200; /slow /stream /echo /cpu behave like the uvicorn example's.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    name: { type: 'string', default: 'demo' },
    worker: { type: 'string', default: '1' },
  },
});
const port = Number(values.port);
const whoAmI = { backend: values.name, port, worker: Number(values.worker), pid: process.pid };

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

const handlers: Readonly<Record<string, Handler>> = {
  '/': (_request, response) => sendJson(response, whoAmI),
  '/health': (_request, response) => sendJson(response, { status: 'ok' }),
  '/slow': (_request, response, query) => void setTimeout(() => sendJson(response, whoAmI), numberOf(query, 'ms', 100)),
  '/stream': stream,
  '/echo': (request, response) => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' });
    request.pipe(response);
  },
  '/cpu': (_request, response, query) => {
    burnCpu(numberOf(query, 'ms', 50));
    sendJson(response, whoAmI);
  },
};

/** Server-sent events, `n` of them, one each `ms`. */
function stream(_request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  const count = numberOf(query, 'n', 5);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let sent = 0;
  const timer = setInterval(
    () => {
      sent += 1;
      response.write(`data: ${JSON.stringify({ ...whoAmI, event: sent })}\n\n`);
      if (sent < count) return;
      clearInterval(timer);
      response.end();
    },
    numberOf(query, 'ms', 100),
  );
  response.once('close', () => clearInterval(timer));
}

function burnCpu(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}

function numberOf(query: URLSearchParams, name: string, fallback: number): number {
  const value = Number(query.get(name) ?? fallback);
  return Number.isFinite(value) && value >= 0 ? value : fallback;
}

function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://demo');
  const handler = Object.hasOwn(handlers, pathname) ? handlers[pathname] : undefined;
  if (handler === undefined) return sendJson(response, { detail: 'not found' }, 404);
  return handler(request, response, searchParams);
});
// Longer than the proxy keeps idle sockets, so that it is never the backend that closes first.
server.keepAliveTimeout = 75_000;
server.listen(port, values.host, () =>
  console.log(`demo backend ${values.name}/${values.worker} on ${values.host}:${port}`),
);

process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
