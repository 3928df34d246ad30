// RFC 9110 section 7.6.1: what Connection names goes, and finding it takes one look at each field, however many names there are.
import { expect, jest, test } from '@jest/globals';
import { Gate } from '../../../proxy/gate.js';
import { FIELD } from '../../../proxy/http1/field-names.js';
import { RequestHeadParser } from '../../../proxy/http1/request-head.js';
import { ResponseHeadParser } from '../../../proxy/http1/response-head.js';

const limits = { maxHeadBytes: 16 * 1024, maxFields: 100 };
const NAMES = 'a,'.repeat(3_000);
const FIELDS = `${Array.from({ length: 95 }, (_, index) => `X-${index}: y\r\n`).join('')}A: 1\r\n`;
/** Names before and behind the fields that they name, and on several lines. */
const CONNECTION = `Connection: ${NAMES}X-3\r\n${FIELDS}Connection: ${NAMES}x-94\r\n`;
const NAMED = ['x-3', 'x-94', 'a'];

function nominatedBy(parser: RequestHeadParser | ResponseHeadParser): string[] {
  const { fields } = parser;
  return Array.from({ length: fields.count }, (_, index) => index)
    .filter((index) => fields.kind[index] === FIELD.NOMINATED)
    .map((index) => parser.lowerName(index));
}

test('a request with thousands of names in Connection has each of its fields looked at once', () => {
  const parser = new RequestHeadParser(limits);
  expect(parser.parse(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${CONNECTION}\r\n`), 0)).toBe('complete');
  const texts = jest.spyOn(parser, 'text');
  const gate = new Gate({ maxBodyBytes: Infinity, upgrades: [], pseudonym: 'us' });
  expect(gate.judge(parser)).not.toHaveProperty('code');
  expect(texts.mock.calls.length).toBeLessThanOrEqual(parser.fields.count);
  expect(nominatedBy(parser)).toEqual(NAMED);
});

test('a response with thousands of names in Connection has each of its fields looked at once', () => {
  const parser = new ResponseHeadParser(limits);
  const texts = jest.spyOn(parser, 'text');
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${CONNECTION}\r\n`);
  expect(parser.parse(bytes, 0, bytes.length)).toBe('complete');
  expect(texts.mock.calls.length).toBeLessThanOrEqual(parser.fields.count);
  expect(nominatedBy(parser)).toEqual(NAMED);
});

test('a response is not held to the names of the one before', () => {
  const parser = new ResponseHeadParser(limits);
  const [first, second] = ['Connection: x-a\r\n', 'Connection: x-b\r\n'].map((connection) =>
    Buffer.from(`HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\n${connection}\r\n`),
  );
  parser.parse(first!, 0, first!.length);
  expect(nominatedBy(parser)).toEqual(['x-a']);
  parser.parse(second!, 0, second!.length);
  expect(nominatedBy(parser)).toEqual(['x-b']);
});
