import { describe, expect, test } from '@jest/globals';
import { requestTextOf } from '../../../proxy/http2/request-text.js';

const GET = [':method', 'GET', ':path', '/x', ':scheme', 'https', ':authority', 'a'];

describe('the head of an HTTP/2 request in the words of HTTP/1.1', () => {
  test('has its authority as Host, its cookies as one, and ends its connection', () => {
    const raw = [...GET, 'cookie', 'a=1', 'x-y', 'z', 'cookie', 'b=2'];
    expect(requestTextOf(raw, true)).toEqual({
      text: 'GET /x HTTP/1.1\r\nhost: a\r\nx-y: z\r\ncookie: a=1; b=2\r\nconnection: close\r\n\r\n',
      chunked: false,
    });
  });

  test('says chunks where a body comes without a length', () => {
    expect(requestTextOf(GET, false)).toEqual({
      text: 'GET /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n',
      chunked: true,
    });
    expect(requestTextOf([...GET, 'content-length', '3'], false)).toMatchObject({ chunked: false });
  });

  test('leaves two hosts for the gate to see', () => {
    expect(requestTextOf([...GET, 'host', 'a'], true)!.text.match(/host: /g)).toHaveLength(1);
    expect(requestTextOf([...GET, 'host', 'b'], true)!.text.match(/host: /g)).toHaveLength(2);
  });

  test.each([
    ['a line end in a value', ['x', 'a\r\nevil: 1']],
    ['a line end in the path', [':path', '/ HTTP/1.1\r\nevil: 1']],
    ['a colon in a name', ['evil:x', '1']],
    ['a name in capitals', ['Host', 'b']],
    ['framing of HTTP/1.1', ['transfer-encoding', 'chunked']],
    ['a field about the connection', ['connection', 'x']],
    ['an upgrade', ['upgrade', 'h2c']],
  ])('is none at all for %s', (_what, fields) => {
    expect(requestTextOf([...GET, ...fields], true)).toBeUndefined();
  });

  test('is none at all without a method or a target', () => {
    expect(requestTextOf([':path', '/'], true)).toBeUndefined();
    expect(requestTextOf([':method', 'GET'], true)).toBeUndefined();
  });
});
