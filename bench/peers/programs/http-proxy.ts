// A peer: http-proxy as its README shows it, with kept-alive upstream connections. Arguments: port, upstream port.

import { randomUUID } from 'node:crypto';
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true });
const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${upstreamPort}`, agent, xfwd: true });
proxy.on('proxyReq', (upstreamRequest) => upstreamRequest.setHeader('x-request-id', randomUUID()));
proxy.on('error', (_error, _request, response) => void response.destroy());
const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => proxy.web(request, response));
server.listen(port, '127.0.0.1');
