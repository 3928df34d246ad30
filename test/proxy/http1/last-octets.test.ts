import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LastOctets } from '../../../proxy/http1/last-octets.js';
import { firstOf, sharedBlock } from '../../../proxy/http1/shared-block.js';

/** Where octets may lie: with and without words to compare them by. */
const places: Record<string, (octets: Buffer) => Buffer> = {
  'the shared block': (octets) => {
    octets.copy(sharedBlock);
    return sharedBlock;
  },
  'a view of the shared block': (octets) => {
    octets.copy(sharedBlock);
    return firstOf(sharedBlock, octets.length);
  },
  'a part of the shared block that is not its beginning': (octets) => {
    octets.copy(sharedBlock, 1);
    return sharedBlock.subarray(1, 1 + octets.length);
  },
  'a buffer of its own': (octets) => Buffer.from(octets),
};

/** Around multiples of a word, and on both sides of where words are given up. */
const length = fc.oneof(fc.integer({ min: 5, max: 24 }), fc.integer({ min: 250, max: 262 }));
const head = length.chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));

describe.each(Object.entries(places))('octets in %s', (_name, put) => {
  test('are known again, whatever follows them', () => {
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 9 }), (octets, more) => {
        const last = new LastOctets();
        last.keep(Buffer.from(octets), octets.length);
        const bytes = put(Buffer.concat([octets, more]));
        expect(last.areFirstOf(bytes, octets.length + more.length)).toBe(true);
        expect(last.areFirstOf(bytes, octets.length - 1)).toBe(false);
      }),
    );
  });

  test('are others when a single one differs', () => {
    fc.assert(
      fc.property(head, fc.nat(), fc.integer({ min: 1, max: 255 }), (octets, place, change) => {
        const last = new LastOctets();
        last.keep(Buffer.from(octets), octets.length);
        const other = Buffer.from(octets);
        other[place % other.length]! ^= change;
        expect(last.areFirstOf(put(other), other.length)).toBe(false);
      }),
    );
  });
});

test('forgets what was kept, and keeps a longer one after a shorter one', () => {
  const last = new LastOctets();
  const short = Buffer.alloc(8, 'a');
  const long = Buffer.alloc(700, 'b');
  last.keep(short, short.length);
  last.keep(long, long.length);
  expect(last.areFirstOf(long, long.length)).toBe(true);
  expect(last.areFirstOf(short, short.length)).toBe(false);
  last.forget();
  expect(last.areFirstOf(long, long.length)).toBe(false);
});
