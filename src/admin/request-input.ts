// What a request to the admin API carries, checked: query, path and body by schema, and whether its caller waits.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { WaitOptions } from './operations.js';
import { badRequest } from './problem.js';

const waitQuery = z.object({ wait: z.enum(['true', 'false']).default('false') });

/** @throws UnderstudyError `bad-request` that lists every problem with its place. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, place: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${[place, ...issue.path].join('.')}: ${issue.message}`);
  throw badRequest(problems.join('; '));
}

/** Whoever hangs up no longer waits; the switch itself goes on, but a lease that nobody waits for is not given. */
export function waitOptions(request: FastifyRequest, reply: FastifyReply): WaitOptions {
  const { wait } = parseInput(waitQuery, request.query, 'query');
  return { wait: wait === 'true', signal: hangUpOf(reply) };
}

/** Aborts when the caller hangs up before it has its answer. */
export function hangUpOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(badRequest('the caller hung up'));
  });
  return gone.signal;
}
