// Random responses for fuzzing, near the border of what is right.

import fc from 'fast-check';
import { framed, hostile, line } from './hostile-messages.js';

const responseField = fc.constantFrom(
  'X-A: 1',
  'Set-Cookie: a=1',
  'Date: yesterday',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: X-A',
  'Keep-Alive: timeout=5',
  'Upgrade: h2c',
  'Trailer: X',
  'X y: 1',
  'X-A: a\0b',
  ' folded',
  'X-A',
  'Content-Type: text/event-stream',
  'X-A: \xe9',
  ': x',
);

const statusLine = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 200 ', 'HTTP/1.0 200 OK'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'HTTP/1.1 204 No Content',
      'HTTP/1.1 304 Not Modified',
      'HTTP/1.1 205 Reset Content',
      'HTTP/1.1 500 Oops',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'HTTP/1.1 200',
      'HTTP/1.1 20 OK',
      'HTTP/1.1 2000 OK',
      'HTTP/2 200 OK',
      'HTTP/1.1  200 OK',
      'ICY 200 OK',
      'HTTP/1.1 099 X',
      'HTTP/1.1 101 Switching Protocols',
      'HTTP/1.1 600 X',
    ),
  },
);

const interim = fc.constantFrom(
  '',
  '',
  '',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 102 X\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.0 102 X\r\n\r\n',
);

const response = fc
  .tuple(
    interim,
    statusLine,
    fc.array(responseField.map(line), { maxLength: 3 }),
    framed,
    fc.constantFrom('', '', '', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON'),
  )
  .map(
    ([before, start, fields, { fields: framing, body }, behind]) =>
      `${before}${line(start)}${fields.join('')}${framing}\r\n${body}${behind}`,
  );

/** What an upstream may send when it was asked for one response. */
export const hostileResponse = hostile(response);
