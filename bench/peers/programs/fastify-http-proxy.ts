// A peer: @fastify/http-proxy with its undici agent. Arguments: port, upstream port.

import { randomUUID } from 'node:crypto';
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const server = fastify({ keepAliveTimeout: 75_000 });
await server.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 256, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      'x-forwarded-for': request.ip,
      'x-request-id': randomUUID(),
    }),
  },
});
await server.listen({ port, host: '127.0.0.1' });
