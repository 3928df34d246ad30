// Requests of HTTP/2 that no lane ever sees are told of like those of HTTP/1.1.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { CERTIFICATE, FRONTS } from '../../support/certificates.js';

const { requestTextOf } = await import('../../../proxy/http2/request-text.js');
// Node's own reading lets nothing through today that is no request in the words of HTTP/1.1.
jest.unstable_mockModule('../../../proxy/http2/request-text.js', () => ({
  requestTextOf: (raw: readonly string[], ended: boolean) =>
    raw.includes('/unspeakable') ? undefined : requestTextOf(raw, ended),
}));
const { ProxyRig } = await import('../../support/proxy-rig.js');

let rig: Awaited<ReturnType<typeof ProxyRig.start>>;
let session: ClientHttp2Session;

beforeEach(async () => {
  rig = await ProxyRig.start({ front: FRONTS.TLS });
  session = connect(`https://127.0.0.1:${rig.port}`, { ca: CERTIFICATE.cert });
  session.on('error', () => undefined);
  await once(session, 'connect');
});

afterEach(async () => {
  session.destroy();
  await rig.close();
});

/** What the stream ended with. */
async function ask(headers: OutgoingHttpHeaders): Promise<number> {
  const stream = session.request(headers);
  stream.on('error', () => undefined).resume();
  await new Promise<void>((resolve) => stream.once('close', resolve));
  return stream.rstCode;
}

const REFUSED = {
  method: '-',
  path: '-',
  code: 'bad-request',
  status: 400,
  endedBy: 'proxy',
  phase: 'head',
  client: { address: '127.0.0.1', httpVersion: '2.0' },
};

test('a request that can not be put into words of HTTP/1.1 is told of, once, and its stream alone ends', async () => {
  expect(await ask({ ':path': '/unspeakable' })).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
  expect(rig.records).toEqual([
    expect.objectContaining({ ...REFUSED, client: expect.objectContaining(REFUSED.client) }),
  ]);
  expect(session.closed).toBe(false);
});

test('one that the gate refuses is told of as one of HTTP/2', async () => {
  expect(await ask({ ':path': '/', ':authority': 'a', host: 'b' })).toBe(constants.NGHTTP2_NO_ERROR);
  expect(rig.records).toEqual([
    expect.objectContaining({ ...REFUSED, method: 'GET', path: '/', client: expect.objectContaining(REFUSED.client) }),
  ]);
});
