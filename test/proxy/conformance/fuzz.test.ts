import { afterAll, beforeAll, describe, test } from '@jest/globals';
import fc from 'fast-check';
import { LANES } from '../../support/conformance-rig.js';
import { FuzzArena } from '../../support/fuzz-arena.js';
import { hostileRequests } from '../../support/hostile-requests.js';
import { hostileResponse } from '../../support/hostile-responses.js';

/** More of them: `npm run bench:fuzz`. */
const RUNS = { auto: 800, full: 150 };
/** A busy machine tries fewer. */
const LIMIT_MS = 15_000;

describe.each(LANES)('fuzzing, lane %s', (lane) => {
  let arena: FuzzArena;
  beforeAll(async () => (arena = await FuzzArena.open(lane)));
  afterAll(() => arena.close());

  test('what is accepted of clients is what llhttp accepts, and goes on as strictly the same', async () => {
    const property = fc.asyncProperty(hostileRequests, (message) => arena.tryRequests(message));
    await fc.assert(property, { seed: 9112, numRuns: RUNS[lane], interruptAfterTimeLimit: LIMIT_MS });
  });

  test('a tab behind what frames a body is refused, as llhttp does', async () => {
    const get = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
    await arena.tryRequests({ pieces: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\t\r\nX-A: 1\r\n\r\nhi', get] });
    await arena.tryRequests({
      pieces: ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \t\r\n\r\n0\r\n\r\n', get],
    });
    await arena.tryResponse({ pieces: ['HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2 \t\r\nX-A: 2\r\n\r\nhi'] });
    await arena.tryResponse({ pieces: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n'] });
  });

  test('what is accepted of upstreams is what llhttp accepts, and poisons nobody', async () => {
    const property = fc.asyncProperty(hostileResponse, (message) => arena.tryResponse(message));
    await fc.assert(property, { seed: 9112, numRuns: RUNS[lane], interruptAfterTimeLimit: LIMIT_MS });
  });
});
