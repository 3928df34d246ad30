// The admin API's routes: HTTP in, one operation each, JSON out. The same on the Unix socket and on TCP.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { errorMessage, operatorError } from '../core/errors.js';
import { registerDashboard } from './dashboard/dashboard.js';
import type { AdminOperations } from './operations.js';
import { badRequest, sendProblem } from './problem.js';
import { streamEvents } from './event-stream.js';
import { registerLeases } from './lease-routes.js';
import { hangUpOf, parseInput, waitOptions } from './request-input.js';

/** Of a request to the admin API. */
export const MAX_BODY_BYTES = 64 * 1024;

const modeBody = z.strictObject({ mode: z.string() });
const planQuery = z.object({ mode: z.string() });
const actionParams = z.object({ name: z.string(), action: z.enum(['promote', 'drain', 'restart']) });
const whyQuery = z.object({ backend: z.string().optional() });

/** Registers every route on a fastify instance. */
export function registerRoutes(server: FastifyInstance, operations: AdminOperations): void {
  const methods = new Map<string, string[]>();
  server.addHook('onRoute', ({ url, method }) => {
    methods.set(url, [...(methods.get(url) ?? []), method].flat());
  });
  registerReads(server, operations);
  registerModes(server, operations);
  registerLeases(server, operations);
  registerActions(server, operations);
  registerDashboard(server);
  for (const [url, allowed] of [...methods]) refuseOtherMethods(server, url, allowed);
}

function refuseOtherMethods(server: FastifyInstance, url: string, allowed: readonly string[]): void {
  const method = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'].filter(
    (name) => !allowed.includes(name),
  );
  server.route({
    method,
    url,
    // Before the body is looked at: whatever it is, it is not wanted. RFC 9110, section 15.5.6: the answer has Allow.
    onRequest: (request, reply, _done) => {
      const allow = allowed.join(', ');
      void reply.header('allow', allow);
      sendProblem(
        reply,
        operatorError('method-not-allowed', `no ${request.method} on ${request.url}; accepted: ${allow}`),
      );
    },
    handler: () => undefined,
  });
}

function registerReads(server: FastifyInstance, operations: AdminOperations): void {
  server.get('/livez', (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', (_request, reply) => {
    const ready = operations.ready();
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : 'no worker can take traffic yet\n');
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await operations.metrics()),
  );
  server.get('/v1/status', () => operations.status());
  server.get('/v1/events', (request, reply) => streamEvents(request, reply, operations.events));
  server.get('/v1/why', (request) => {
    const { backend } = parseInput(whyQuery, request.query, 'query');
    return { lines: operations.why(backend) };
  });
}

function registerModes(server: FastifyInstance, operations: AdminOperations): void {
  server.put('/v1/mode', async (request, reply) => {
    const { mode } = parseInput(modeBody, request.body, 'body');
    const options = waitOptions(request, reply);
    await operations.setMode(mode, options);
    return reply.code(options.wait ? 200 : 202).send({ mode: operations.status().mode });
  });
  server.get('/v1/mode/plan', (request) => operations.planMode(parseInput(planQuery, request.query, 'query').mode));
}

function registerActions(server: FastifyInstance, operations: AdminOperations): void {
  server.post('/v1/backends/:name/:action', async (request) => {
    const { name, action } = parseInput(actionParams, request.params, 'path');
    await operations.backendAction(name, action);
    return { backend: name, action };
  });
  server.post('/v1/reload', () => operations.reload());
  server.post('/v1/upgrade', async (_request, reply) => {
    const { pid, complete } = await operations.upgrade({ signal: hangUpOf(reply) });
    // The admin addresses change hands next: not before this answer is out, if anybody still waits for it.
    if (reply.raw.closed) complete();
    else reply.raw.once('close', complete);
    return { pid };
  });
  server.post('/v1/stop', (_request, reply) => {
    void operations.stop();
    return reply.code(202).send({ stopping: true });
  });
}

/** Fastify's own refusals (bad JSON, wrong content type, too large) as ours. */
export function translateFastifyError(error: unknown): unknown {
  const { statusCode: status, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return operatorError('body-too-large', `the body is too large; accepted: up to ${MAX_BODY_BYTES} bytes`);
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return operatorError('unsupported-media-type', `${errorMessage(error)}; accepted: application/json`);
  }
  return typeof status === 'number' && status >= 400 && status < 500 ? badRequest(errorMessage(error)) : error;
}
