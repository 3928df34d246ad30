import { expect, test } from '@jest/globals';
import { RepeatedText } from '../../../proxy/http1/octets.js';

test('a repeated text is that of its own octets, whatever was asked for before', () => {
  const texts = new RepeatedText();
  const bytes = Buffer.from('/same/same/samf/\xe9\xff/', 'latin1');
  const ranges = [
    [0, 5],
    [5, 10],
    [10, 15],
    [0, 5],
    [0, 0],
    [15, 18],
    [15, 18],
    [0, 10],
  ] as const;
  for (const [start, end] of ranges) expect(texts.of(bytes, start, end)).toBe(bytes.toString('latin1', start, end));
  const long = Buffer.alloc(5_000, 'x');
  expect(texts.of(long, 0, 5_000)).toBe('x'.repeat(5_000));
  long[4_999] = 0x79;
  expect(texts.of(long, 0, 5_000)).toBe(`${'x'.repeat(4_999)}y`);
});
