// The routes of leases: taken, renewed, given back. Cron and CI use them as `understudy validate` does.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { duration } from '../config/quantities.js';
import type { AdminOperations } from './operations.js';
import { parseInput, waitOptions } from './request-input.js';

export const SHORTEST_TTL_MS = 1_000;
export const LONGEST_TTL_MS = 24 * 3_600_000;

const ttl = duration().refine(
  (ms) => ms >= SHORTEST_TTL_MS && ms <= LONGEST_TTL_MS,
  'accepted: 1s to 24h; a job that takes longer renews its lease',
);
/** It is shown on terminals as it is. */
const plainText = z
  .string()
  .trim()
  .regex(/^\P{C}*$/u, 'accepted: text without control characters and line breaks');
export const leaseHolder = plainText.min(1).max(200);
const leaseBody = z.strictObject({
  mode: z.string().default('validation'),
  ttl: ttl.default(30_000),
  holder: leaseHolder.default('somebody'),
});
const renewBody = z.strictObject({ ttl: ttl.optional() });
const leaseParams = z.object({ id: z.string() });

export function registerLeases(server: FastifyInstance, operations: AdminOperations): void {
  server.get('/v1/leases', () => ({ leases: operations.status().mode.leases }));
  server.post('/v1/leases', async (request, reply) => {
    const { ttl: ttlMs, mode, holder } = parseInput(leaseBody, request.body ?? {}, 'body');
    const lease = await operations.lease({ mode, holder, ttlMs }, waitOptions(request, reply));
    return reply.code(201).header('location', `/v1/leases/${lease.id}`).send(lease);
  });
  server.put('/v1/leases/:id', (request) => {
    const { ttl: ttlMs } = parseInput(renewBody, request.body ?? {}, 'body');
    return operations.renewLease(parseInput(leaseParams, request.params, 'path').id, ttlMs);
  });
  server.delete('/v1/leases/:id', async (request, reply) => {
    const { id } = parseInput(leaseParams, request.params, 'path');
    await operations.giveLeaseBack(id, waitOptions(request, reply));
    return { mode: operations.status().mode };
  });
}
