// What the errors of a connection to an upstream mean, and for whom.
import { describe, expect, test } from '@jest/globals';
import { outcomeOf, upstreamErrorCode } from '../../../proxy/lanes/upstream-error.js';
import { OUR_SHORTAGES } from '../../../src/core/shortages.js';

describe('a connection that could not be opened', () => {
  test.each([...OUR_SHORTAGES])('for want of something of ours (%s) tells nothing of the upstream', (code) => {
    const cause = upstreamErrorCode(Object.assign(new Error('connect'), { code }));
    expect([cause, outcomeOf(cause)]).toEqual(['own-shortage', 'neutral']);
  });

  test.each([
    ['ECONNREFUSED', 'connect-failed'],
    ['ECONNRESET', 'upstream-reset'],
    ['EUNHEARDOF', 'upstream-reset'],
  ])('because of the upstream (%s) counts against it', (code, expected) => {
    const cause = upstreamErrorCode(Object.assign(new Error('connect'), { code }));
    expect([cause, outcomeOf(cause)]).toEqual([expected, 'failure']);
  });
});
