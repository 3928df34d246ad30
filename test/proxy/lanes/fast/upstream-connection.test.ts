// An upstream whose name stands for several addresses: Node tries one after the other, each with another handle, and the
// one that listens is heard as any other.

import dns from 'node:dns';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ProxyRig, targetFor } from '../../../support/proxy-rig.js';

const NAME = 'several.test';
const { lookup } = dns;

/** Nobody listens at the first address. */
function lookUpSeveral(name: string, ...rest: readonly unknown[]): void {
  if (name !== NAME) return void Reflect.apply(lookup, dns, [name, ...rest]);
  const told = rest.at(-1) as (error: null, addresses: readonly dns.LookupAddress[]) => void;
  const addresses = ['127.0.0.2', '127.0.0.1'].map((address) => ({ address, family: 4 }));
  process.nextTick(() => told(null, addresses));
}

let rig: ProxyRig;

beforeEach(() => void Object.assign(dns, { lookup: lookUpSeveral }));

afterEach(async () => {
  Object.assign(dns, { lookup });
  await rig.close();
});

test.each(['auto', 'full'] as const)('one that listens at the second address is heard, lane %s', async (lane) => {
  rig = await ProxyRig.start({ lane });
  const port = await rig.httpBackend(({ url = '' }, response) => void response.end(`this is ${url}`));
  rig.proxy.applyTargets([{ ...targetFor(port), address: { kind: 'tcp', host: NAME, port } }]);
  for (const target of ['/first', '/second']) {
    const received = await rig.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 200 [^]*\\r\\n\\r\\nthis is ${target}$`));
  }
});
