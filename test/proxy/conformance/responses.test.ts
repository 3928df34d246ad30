// RFC 9112 sections 4, 6.3 and 8, RFC 9110 section 15: what a backend may answer, and what becomes of anything else.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES, rowsFor, type Row } from '../../support/conformance-rig.js';
import { readResponses, valuesOf } from '../../support/strict-http.js';

/** Not repeatable, so that one answer is all there is. */
const POST = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
const LAST_POST = POST.replace('Host: a', 'Host: a\r\nConnection: close');
const OK = 'HTTP/1.1 200 OK\r\n';

interface Answered {
  readonly what: string;
  readonly answer: string;
  readonly send?: string;
  readonly method?: string;
  /** The backend ends the connection behind its answer. */
  readonly ends?: boolean;
  readonly answers?: Row['answers'];
  readonly also?: Row['also'];
  readonly only?: Row['only'];
}

function row({ what, answer, send = POST, method = 'POST', ends = false, answers = [200], also, only }: Answered): Row {
  const target = / (\S+) HTTP/.exec(send)![1]!;
  const script: Row['script'] = (_request, socket) => {
    if (!ends) return answer;
    socket.end(answer, 'latin1');
    return undefined;
  };
  return { what, send, answers, seen: [`${method} ${target}`], methods: [method], script, also, only };
}

const bad = (what: string, answer: string): Answered => ({ what, answer, answers: [502], ends: true });
const body =
  (expected: string): Row['also'] =>
  ({ responses }) =>
    expect(responses.at(-1)).toMatchObject({ body: expected });
const lacks =
  (...names: string[]): Row['also'] =>
  ({ responses }) => {
    for (const name of names) expect([name, ...valuesOf(responses[0]!, name)]).toEqual([name]);
  };
const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const head = 'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n';

const MALFORMED: Answered[] = [
  bad('no HTTP at all', 'hello\r\n\r\n'),
  bad('HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('a status that is no number', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'),
  bad('a status below any class', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('a status of no class', 'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n'),
  bad('the last status of three digits', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'),
  bad('two spaces before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n'),
  bad('NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'),
  bad('lengths that differ', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!`),
  bad('equal lengths', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`),
  bad('a length with a sign', `${OK}Content-Length: +2\r\n\r\nhi`),
  bad('a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nhi`),
  bad('a length beyond what is exact', `${OK}Content-Length: 9007199254740993\r\n\r\nhi`),
  bad('an empty length', `${OK}Content-Length:\r\n\r\nhi`),
  bad('length and coding', `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  bad('an unknown coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
  bad('two codings', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  bad('an empty coding', `${OK}Transfer-Encoding:\r\n\r\n0\r\n\r\n`),
  bad('a folded field', `${OK}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`),
  bad('a field with NUL', `${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`),
  bad('a field with a bare CR', `${OK}X: a\rb\r\nContent-Length: 0\r\n\r\n`),
  bad('a field with a control octet', `${OK}X: a\x01b\r\nContent-Length: 0\r\n\r\n`),
  bad('bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'),
  bad('a name that is no token', `${OK}X(: b\r\nContent-Length: 0\r\n\r\n`),
  bad('no colon', `${OK}Xy\r\nContent-Length: 0\r\n\r\n`),
  bad('a head too large', `${OK}X: ${'y'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`),
  bad('a head just too large', `${OK}X: ${'y'.repeat(16_380)}\r\nContent-Length: 0\r\n\r\n`),
  bad('more fields than allowed', `${OK}${'X: y\r\n'.repeat(100)}Content-Length: 0\r\n\r\n`),
  bad('chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
  bad('an interim answer of HTTP/1.0', `HTTP/1.0 102 Processing\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`),
  bad('an unasked 101', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nPOISON'),
  bad('nothing', ''),
  bad('half a head', 'HTTP/1.1 200 OK\r\nContent-'),
];

const FRAMED: Answered[] = [
  { what: 'a length', answer: `${OK}Content-Length: 2\r\n\r\nhi`, also: body('hi') },
  {
    what: 'chunks',
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n`,
    also: body('hi yo'),
  },
  { what: 'neither, ended by the end', answer: `${OK}\r\nhi`, ends: true, also: body('hi') },
  {
    what: 'neither, to HTTP/1.0',
    send: 'GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
    method: 'GET',
    answer: `${OK}\r\nhi`,
    ends: true,
    also: (outcome) => {
      body('hi')!(outcome);
      lacks('transfer-encoding')!(outcome);
    },
  },
  {
    what: 'chunks, to HTTP/1.0',
    send: 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n',
    method: 'GET',
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    also: (outcome) => {
      body('hi')!(outcome);
      lacks('transfer-encoding')!(outcome);
    },
  },
  { what: 'of HTTP/1.0', answer: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', also: body('hi') },
  {
    what: 'to HEAD, with a length',
    send: head,
    method: 'HEAD',
    answer: `${OK}Content-Length: 5\r\n\r\n`,
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'content-length')).toEqual(['5']),
  },
  {
    what: 'to HEAD, with a coding',
    send: head,
    method: 'HEAD',
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    also: body(''),
  },
  { what: '204', answer: 'HTTP/1.1 204 No Content\r\n\r\n', answers: [204], also: body('') },
  {
    what: '204 with a length',
    answer: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    answers: [204],
    also: lacks('content-length'),
  },
  {
    what: '204 with a coding',
    answer: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    answers: [[204, 502]],
    ends: true,
  },
  {
    what: '304 keeps its length',
    send: get('/n'),
    method: 'GET',
    answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
    answers: [304],
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'etag')).toEqual(['"x"']),
  },
  {
    what: '205 has no content',
    answer: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
    answers: [205],
    also: body(''),
  },
  {
    what: '204 with a length that it does not have',
    answer: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    answers: [204],
    also: lacks('content-length'),
  },
  {
    what: 'trailers, but for those that would frame it',
    send: POST.replace('Host: a', 'Host: a\r\nTE: trailers\r\nConnection: TE'),
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 5\r\nX-Sum: 1\r\n\r\n`,
    also: ({ received }) => expect(received).toMatch(/\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n/i),
  },
  {
    what: 'a reason in Latin-1',
    answer: 'HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 2\r\n\r\nhi',
    also: ({ received }) => expect(received).toMatch(/^HTTP\/1\.1 200 Tr\xe8s bien\r\n/),
  },
  { what: 'an empty reason', answer: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', also: body('') },
  {
    what: 'an unknown status',
    answer: 'HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nhi',
    answers: [599],
    also: body('hi'),
  },
  {
    what: 'octets above ASCII',
    answer: `${OK}X: \xe9\tb\r\nContent-Length: 2\r\n\r\n\xff\0`,
    also: (outcome) => {
      body('\xff\0')!(outcome);
      expect(outcome.received).toMatch(/\r\nX: \xe9\tb\r\n/);
    },
  },
];

const FIELDS: Answered[] = [
  {
    what: 'Date is added',
    answer: `${OK}Content-Length: 0\r\n\r\n`,
    also: ({ responses }) => expect(Date.parse(valuesOf(responses[0]!, 'date').join())).not.toBeNaN(),
  },
  {
    what: 'Date is kept',
    answer: `${OK}Date: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n`,
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'date')).toEqual(['Mon, 01 Jan 2001 00:00:00 GMT']),
  },
  {
    what: 'what belongs to the connection, or is named by it, goes',
    answer: `${OK}Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTrailer: X\r\nContent-Length: 0\r\n\r\n`,
    also: lacks('x-hop', 'proxy-connection', 'upgrade', 'trailer'),
  },
  {
    what: 'lines and order are kept',
    answer: `${OK}Set-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nServer: s\r\nCache-Control: no-transform\r\nContent-Length: 0\r\n\r\n`,
    also: ({ responses }) =>
      expect(responses[0]!.fields.slice(0, 5)).toEqual([
        ['Set-Cookie', 'a=1'],
        ['X-A', '1'],
        ['Set-Cookie', 'b=2'],
        ['Server', 's'],
        ['Cache-Control', 'no-transform'],
      ]),
  },
];

const INTERIM: Answered[] = [
  {
    what: '102 and 103 go before the answer',
    answer: `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    answers: [102, 103, 200],
    also: body('hi'),
  },
  {
    what: 'a 100 that nobody waits for is dropped',
    answer: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    also: (outcome) => {
      body('hi')!(outcome);
      expect(outcome.received).not.toMatch(/ 100 /);
    },
  },
  {
    what: 'a 103 keeps its lines, whatever they say',
    answer: `HTTP/1.1 103 Early Hints\r\nLink: foo\r\nLink: </b>\r\nX-A: 1\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    answers: [103, 200],
    also: ({ responses }) =>
      expect(responses[0]!.fields).toEqual([
        ['Link', 'foo'],
        ['Link', '</b>'],
        ['X-A', '1'],
      ]),
  },
  {
    what: 'one that we do not know goes on',
    answer: `HTTP/1.1 104 Upload Resumption\r\nLocation: /u\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    answers: [104, 200],
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'location')).toEqual(['/u']),
  },
  {
    what: 'one that declares a body has none',
    answer: `HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    answers: [102, 200],
    also: (outcome) => {
      body('hi')!(outcome);
      lacks('content-length')!(outcome);
    },
  },
  {
    what: 'not to HTTP/1.0',
    send: 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n',
    method: 'GET',
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
    also: body('hi'),
  },
];

describe.each(LANES)('conformance, lane %s: answers', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane)));
  afterAll(() => rig.close());

  describe('that are no HTTP are a 502', () =>
    test.each(rowsFor(lane, MALFORMED.map(row)))('$what', (one) => rig.run(one)));
  describe('end where they say', () => test.each(FRAMED.map(row))('$what', (one) => rig.run(one)));
  describe('fields', () => test.each(FIELDS.map(row))('$what', (one) => rig.run(one)));
  describe('interim ones', () => test.each(INTERIM.map(row))('$what', (one) => rig.run(one)));

  test('interim answers without end are a 502 after some', async () => {
    rig.backend.forget();
    rig.backend.script = () => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(3_000);
    const received = await (await rig.proxy.connect()).write(LAST_POST).waitForEnd();
    const { messages, rest } = readResponses(received, { methods: ['POST'], ended: true });
    expect([messages.map(({ status }) => status).filter((status) => status >= 200), rest]).toEqual([[502], '']);
    expect(messages.length).toBeLessThan(200);
    await rig.expectClean(1);
  });

  test.each([
    ['a length', `${OK}Content-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`],
    ['a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`],
    ['a chunk gone wrong', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n`],
    ['a chunk size gone wrong', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`],
  ])('a truncated one never looks whole: %s', async (_what, answer) => {
    rig.backend.forget();
    rig.backend.script = (_request, socket) => void socket.end(answer, 'latin1');
    const client = (await rig.proxy.connect()).write(LAST_POST);
    const received = await client.waitForEnd();
    const { messages, rest } = readResponses(received, { methods: ['POST'], ended: false });
    if (messages.length > 0) expect(messages.map(({ status }) => status)).toEqual([502]);
    else expect(rest).toMatch(/^HTTP\/1\.1 200/);
    await rig.expectClean(1);
  });

  test.each([
    ['a whole answer', `${OK}Content-Length: 2\r\n\r\nhi`, POST, 'POST'],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', POST, 'POST'],
    ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n', get('/n'), 'GET'],
    ['an answer to HEAD', `${OK}Content-Length: 6\r\n\r\n`, head, 'HEAD'],
  ])('bytes behind %s reach nobody, and their socket is not used again', async (_what, answer, send, method) => {
    for (const poison of [`${OK}Content-Length: 6\r\n\r\nPOISON`, 'POISON']) {
      rig.backend.forget();
      let closed: Promise<void> | undefined;
      rig.backend.script = (_request, socket) => {
        closed = new Promise((resolve) => socket.once('close', () => resolve()));
        return answer + poison;
      };
      const client = (await rig.proxy.connect()).write(send);
      await client.waitFor(/\r\n\r\n/);
      await closed;
      const { messages } = readResponses(client.received, { methods: [method], ended: true });
      expect(messages).toHaveLength(1);
      expect(client.received).not.toMatch(/POISON$/);
      client.close();
      await rig.expectClean(1);
    }
  });

  test('bytes on an idle socket reach nobody, and the socket is closed', async () => {
    rig.backend.forget();
    let poison = () => undefined as void;
    let closed: Promise<void> | undefined;
    rig.backend.script = (_request, socket) => {
      closed = new Promise((resolve) => socket.once('close', () => resolve()));
      poison = () => void socket.write(`${OK}Content-Length: 6\r\n\r\nPOISON`);
      return `${OK}Content-Length: 2\r\n\r\nhi`;
    };
    const client = (await rig.proxy.connect()).write(POST);
    await client.waitFor(/hi$/);
    poison();
    await closed;
    client.close();
    await rig.expectClean(1);
  });
});
