// What random HTTP messages for fuzzing are made of: mostly well-formed, with a few wrong pieces and a few wrong bytes, since it is near
// the border of what is right that two readers differ. Texts are latin1.

import fc from 'fast-check';

/** Bytes as they are written: some come in several pieces. */
export interface Hostile {
  readonly pieces: readonly string[];
}

const NASTY = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  'a',
  '\x0b',
  '\x7f',
  '\x85',
  '\xa0',
  '\xff',
  '"',
  '#',
  '\r\n\r\n',
];
export const line = (start: string) => `${start}\r\n`;
export const inner = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n';

const chunk = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .string({ minLength: 1, maxLength: 20 })
      .map((text) => latin1(text))
      .map((text) => `${text.length.toString(16)}\r\n${text}\r\n`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `23\r\n${inner}\r\n`,
      '5;a=b\r\nhello\r\n',
      '5;q="x;y"\r\nhello\r\n',
      '005\r\nhello\r\n',
      'A\r\n0123456789\r\n',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '5\nhello\r\n',
      '5\r\nhello\n',
      '0x5\r\nhello\r\n',
      ' 5\r\nhello\r\n',
      '5 \r\nhello\r\n',
      '5;\r\nhello\r\n',
      '-1\r\nx\r\n',
      '6\r\nhello\r\n',
      '100000000000000005\r\nhello\r\n',
    ),
  },
);

const chunks = fc
  .tuple(
    fc.array(chunk, { maxLength: 4 }),
    fc.constantFrom(
      '0\r\n\r\n',
      '0\r\n\r\n',
      '0\r\n\r\n',
      '0\r\nX-T: 1\r\n\r\n',
      '0;x\r\n\r\n',
      '00\r\n\r\n',
      '0\r\nHost: evil\r\n\r\n',
      '0\n\n',
      '',
    ),
  )
  .map(([parts, end]) => parts.join('') + end);

function latin1(text: string): string {
  return Array.from(text, (letter) => String.fromCharCode(letter.charCodeAt(0) & 0xff)).join('');
}

interface Framed {
  readonly fields: string;
  readonly body: string;
}

/** Framing fields with a body that fits them, more or less. */
export const framed: fc.Arbitrary<Framed> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ fields: '', body: '' }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('hello', inner, 'x'.repeat(300), '')
      .map((body) => ({ fields: line(`Content-Length: ${body.length}`), body })),
  },
  { weight: 5, arbitrary: chunks.map((body) => ({ fields: line('Transfer-Encoding: chunked'), body })) },
  {
    weight: 2,
    arbitrary: fc.record({
      fields: fc.constantFrom(
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
        'Content-Length: 5\r\nContent-Length: 5\r\n',
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5, 5\r\n',
        'Content-Length: +5\r\n',
        'Content-Length:\r\n',
        'Content-Length: 0x5\r\n',
        'Content-Length : 5\r\n',
        'Content-Length: 99999999999999999999\r\n',
        'Transfer-Encoding: gzip, chunked\r\n',
        'Transfer-Encoding: chunked, chunked\r\n',
        'Transfer-Encoding: CHUNKED\r\n',
        'Transfer-Encoding:\tchunked \r\n',
        'Transfer-Encoding: ,chunked\r\n',
        'Transfer-Encoding: identity\r\n',
        'Transfer-Encoding: chunked\r\n\tx\r\n',
        'Transfer_Encoding: chunked\r\n',
        'Transfer-Encoding\r\n',
      ),
      body: fc.oneof(fc.constantFrom('hello', 'hello!', `hello${inner}`, '0\r\n\r\n', `0\r\n\r\n${inner}`), chunks),
    }),
  },
);
interface Edit {
  readonly at: number;
  readonly kind: 'insert' | 'replace' | 'delete';
  readonly text: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(400),
  kind: fc.constantFrom('insert', 'replace', 'delete'),
  text: fc.constantFrom(...NASTY),
});

const edits = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Edit[]>([]) },
  { weight: 2, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
);

function applyEdit(text: string, { at, kind, text: piece }: Edit): string {
  const index = at % (text.length + 1);
  if (kind === 'insert') return text.slice(0, index) + piece + text.slice(index);
  return text.slice(0, index) + (kind === 'replace' ? piece : '') + text.slice(index + 1);
}

export function hostile(text: fc.Arbitrary<string>): fc.Arbitrary<Hostile> {
  return fc.tuple(text, edits, fc.array(fc.nat(600), { maxLength: 2 })).map(([bytes, changes, cuts]) => {
    const edited = changes.reduce(applyEdit, bytes);
    const places = [0, ...cuts.map((cut) => cut % (edited.length + 1)).sort((a, b) => a - b), edited.length];
    const pieces = places.slice(1).map((end, index) => edited.slice(places[index], end));
    return { pieces: pieces.filter((piece) => piece !== '') };
  });
}
