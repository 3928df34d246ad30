import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RequestId, RequestIds } from '../../../proxy/headers/request-id.js';

/** `count` ids of ours, each of another request. */
function idsOf(ids: RequestIds, count: number): string[] {
  return Array.from({ length: count }, () => {
    const id = new RequestId(ids);
    id.begin(undefined);
    return id.text;
  });
}

function octetsOf(id: RequestId): string {
  const octets = Buffer.alloc(id.length + 2, '.');
  id.putInto(octets, 1);
  return octets.toString('latin1');
}

test('ours are a prefix of the process and a counter', () => {
  expect(idsOf(new RequestIds(() => 0), 3)).toEqual(['00000000-1', '00000000-2', '00000000-3']);
  expect(idsOf(new RequestIds(() => 1 - 2 ** -52), 1)).toEqual(['zzzzzzzz-1']);
});

test('no two are alike, and each is as octets what it is as text, whichever is asked for first', () => {
  const ids = new RequestIds(() => 0.5);
  const [one, other] = [new RequestId(ids), new RequestId(ids)];
  const seen = new Set<string>();
  for (let count = 1; count <= 36 ** 3; count += 2) {
    one.begin(undefined);
    other.begin(undefined);
    const octets = octetsOf(one);
    expect(octets).toBe(`.${one.text}.`);
    expect(octetsOf(other)).toBe(`.${ids.prefix}${(count + 1).toString(36)}.`);
    seen.add(one.text).add(other.text);
  }
  expect(seen.size).toBe(36 ** 3);
});

test("a sane id of the client's goes on as it came, and none of ours behind it has anything of it", () => {
  const ids = new RequestIds(() => 0);
  const id = new RequestId(ids);
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._~+/=-]{1,128}$/), (given) => {
      expect(ids.kept(given)).toBe(given);
      id.begin(given);
      expect([id.text, octetsOf(id)]).toEqual([given, `.${given}.`]);
      id.begin(undefined);
      expect(id.text).toMatch(/^00000000-[0-9a-z]+$/);
    }),
  );
});

test.each(['', ' ', 'a b', 'ä', 'a\r\nb', 'x'.repeat(129), undefined])('%p is not kept', (given) => {
  expect(new RequestIds(() => 0).kept(given)).toBeUndefined();
});
