// Random requests for fuzzing, near the border of what is right.

import fc from 'fast-check';
import { framed, hostile, line } from './hostile-messages.js';

const requestField = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'X-A: 1',
      'X-A:  two words ',
      'X-A:',
      'X-B: \xe9',
      'Cookie: a=1',
      'Connection: keep-alive',
      'Connection: X-B, Host',
      'Connection: Content-Length',
      'Upgrade: foo',
      'Connection: Upgrade',
      'TE: trailers',
      'Max-Forwards: 1',
      'X-Forwarded-For: 1.2.3.4',
      'Via: 1.1 x',
      'Keep-Alive: 1',
      'Accept: */*',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Connection: close',
      'Expect: 100-continue',
      'Expect: x',
      'Host: b',
      ': empty',
      'X y: 1',
      'X-A: a\0b',
      'X-A : 1',
      ' X-A: folded',
      'X-A',
    ),
  },
);

const requestLine = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'),
    fc.constantFrom(
      '/',
      '/',
      '/a?b',
      '/a//b/../%0d%0a',
      '*',
      'http://b/x',
      'http://b',
      '/#x',
      'x',
      '/a b',
      '/\xe9',
      '//',
    ),
    fc.constantFrom(
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.0',
      'HTTP/1.2',
      'HTTP/2.0',
      'http/1.1',
      'HTTP/1.10',
    ),
  )
  .map((parts) => parts.join(' '));

const wellFormedLine = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'), fc.constantFrom('/', '/a?b=c', '/x/y'))
  .map(([method, target]) => `${method} ${target} HTTP/1.1`);

const request = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: wellFormedLine }, { weight: 1, arbitrary: requestLine }),
    fc.constantFrom(
      'Host: a\r\n',
      'Host: a\r\n',
      'Host: a\r\n',
      'Host: a:80\r\n',
      'host:a\r\n',
      'Host: a\r\n',
      'Host: a\r\n',
      'Host: [::1]\r\n',
      'Host: a@b\r\n',
      '',
    ),
    fc.array(requestField.map(line), { maxLength: 3 }),
    framed,
  )
  .map(
    ([start, host, fields, { fields: framing, body }]) =>
      `${line(start)}${host}${fields.join('')}${framing}\r\n${body}`,
  );

/** One to three requests on a connection, some of them each twice, as clients repeat themselves. */
export const hostileRequests = hostile(
  fc
    .tuple(fc.array(request, { minLength: 1, maxLength: 3 }), fc.constantFrom(1, 1, 2))
    .map(([parts, times]) => parts.map((part) => part.repeat(times)).join('')),
);
