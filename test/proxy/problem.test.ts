// What clients can go by in our own answers, whatever they are about.
import { expect, test } from '@jest/globals';
import { problemAnswer, type ProblemCode } from '../../proxy/problem.js';

const UNAVAILABLE: ProblemCode[] = ['own-shortage', 'queue-full', 'queue-timeout', 'shed', 'shutting-down'];

test.each(UNAVAILABLE)('a 503 says when to come back: %s', (code) => {
  const { status, rawHeaders } = problemAnswer(code);
  const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'retry-after');
  expect(status).toBe(503);
  expect(at % 2).toBe(0);
  expect(Number(rawHeaders[at + 1])).toBeGreaterThan(0);
});
