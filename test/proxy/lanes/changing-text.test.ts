import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ChangingText, NO_PART } from '../../../proxy/lanes/changing-text.js';
import { partOf } from '../../support/changing-part.js';

test('the first time it is only text: it may never come again', () => {
  const text = new ChangingText('id: ', '\r\n');
  expect(text.octets(partOf('a'))).toBeUndefined();
  expect(text.text('a')).toBe('id: a\r\n');
});

test('from then on its octets are those of its text, whatever the part', () => {
  const latin1 = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(latin1, latin1, fc.array(latin1, { minLength: 1 }), (before, after, parts) => {
      const text = new ChangingText(before, after);
      text.octets(NO_PART);
      for (const part of parts) expect(text.octets(partOf(part))!.toString('latin1')).toBe(text.text(part));
    }),
  );
});

test('a part of the same length is put into the octets there are', () => {
  const text = new ChangingText('id: ', '\r\n');
  text.octets(partOf('1'));
  const octets = text.octets(partOf('2'));
  expect(text.octets(partOf('3'))).toBe(octets);
  expect(octets!.toString()).toBe('id: 3\r\n');
});

test('octets that were left to somebody stay as they are', () => {
  const text = new ChangingText('id: ', '\r\n');
  text.octets(partOf('1'));
  const left = text.octets(partOf('2'))!;
  text.leaveOctets();
  expect(text.octets(partOf('3'))!.toString()).toBe('id: 3\r\n');
  expect(left.toString()).toBe('id: 2\r\n');
});
