import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readWithEngine } from '../../support/engine-reading.js';
import { hostileRequests } from '../../support/hostile-requests.js';
import { asOriginForm, comparable, marksOf, readRequestsWithLlhttp } from '../../support/llhttp-reading.js';

const parameters = { seed: 9112, numRuns: 4_000 };

test('the wire engine reads the same however the bytes come', () => {
  const property = fc.property(hostileRequests, ({ pieces }) => {
    const bytes = pieces.join('');
    const whole = readWithEngine([bytes]);
    expect(readWithEngine(pieces)).toEqual(whole);
    expect(readWithEngine(bytes.split(''))).toEqual(whole);
  });
  fc.assert(property, parameters);
});

test('whatever the wire engine accepts, llhttp accepts and reads the same', () => {
  const property = fc.property(hostileRequests, ({ pieces }) => {
    const bytes = pieces.join('');
    const { requests } = readWithEngine(pieces);
    const { messages } = readRequestsWithLlhttp(bytes);
    const ours = comparable(requests);
    const theirs = messages.slice(0, ours.length).map(({ method, url, body, rawHeaders }) => {
      return { method, target: asOriginForm(url, method), body, marks: marksOf(rawHeaders) };
    });
    expect(ours).toEqual(theirs);
  });
  fc.assert(property, parameters);
});
