// The admin API's routes: HTTP in, one operation each, JSON out. The same on the Unix socket and on TCP.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { errorMessage } from '../core/errors.js';
import type { AdminOperations } from './operations.js';
import { badRequest } from './problem.js';
import { streamEvents } from './event-stream.js';
import { registerLeases } from './lease-routes.js';
import { parseInput, waitOptions } from './request-input.js';

const modeBody = z.strictObject({ mode: z.string() });
const planQuery = z.object({ mode: z.string() });
const actionParams = z.object({ name: z.string(), action: z.enum(['promote', 'drain', 'restart']) });
const whyQuery = z.object({ backend: z.string().optional() });

/** Registers every route on a fastify instance. */
export function registerRoutes(server: FastifyInstance, operations: AdminOperations): void {
  registerReads(server, operations);
  registerModes(server, operations);
  registerLeases(server, operations);
  registerActions(server, operations);
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
    const { pid, complete } = await operations.upgrade();
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
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? badRequest(errorMessage(error)) : error;
}
