// The response parser keeps what it knows of the head before: whatever came before, it must say the same as a fresh one.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ResponseTexts } from '../../../proxy/headers/response-text.js';
import { ResponseHeadParser } from '../../../proxy/http1/response-head.js';
import { hostileResponse } from '../../support/hostile-responses.js';

const limits = { maxHeadBytes: 16 * 1024, maxFields: 100 };
const DATE = 'Tue, 03 Mar 2026 10:00:00 GMT';

/** Everything that is said of a head, and the head that the client would get. */
function reading(
  parser: ResponseHeadParser,
  texts: ResponseTexts,
  head: { bytes: Buffer; close: boolean; date: string },
) {
  const result = parser.parse(head.bytes, 0, head.bytes.length);
  if (result !== 'complete') return { result, fault: parser.fault };
  const { start, end, fieldsStart, status, minorVersion, contentLength, chunked, close } = parser;
  const { hasDate, eventStream, announcesDrain, untouched, fields } = parser;
  const framing = { framed: status !== 204, keepsChunks: chunked, makesChunks: false, close: head.close };
  return {
    facts: { result, start, end, fieldsStart, status, minorVersion, contentLength, chunked, close },
    judged: { hasDate, eventStream, announcesDrain, untouched },
    values: Array.from({ length: fields.count }, (_, index) => [fields.kind[index], parser.value(index)]),
    text: texts.of(parser, framing, head.date),
  };
}

const heads = fc.tuple(
  fc.array(hostileResponse, { minLength: 1, maxLength: 3 }),
  fc.array(
    fc.record({
      which: fc.nat(2),
      // Less than all of it, and the same head with another body behind it.
      cut: fc.constantFrom(Infinity, Infinity, 10, 40),
      behind: fc.constantFrom('', '', 'another body'),
      close: fc.boolean(),
      date: fc.constantFrom(DATE, 'Tue, 03 Mar 2026 10:00:01 GMT'),
    }),
    { minLength: 2, maxLength: 10 },
  ),
);

test('a parser that has seen heads before reads the next one as a fresh one does', () => {
  const property = fc.property(heads, ([messages, order]) => {
    const [parser, texts] = [new ResponseHeadParser(limits), new ResponseTexts()];
    for (const { which, cut, behind, close, date } of order) {
      const text = messages[which % messages.length]!.pieces.join('').slice(0, cut) + behind;
      const head = { bytes: Buffer.from(text, 'latin1'), close, date };
      const fresh = reading(new ResponseHeadParser(limits), new ResponseTexts(), head);
      expect(reading(parser, texts, head)).toEqual(fresh);
    }
  });
  fc.assert(property, { seed: 9112, numRuns: 3_000 });
});
