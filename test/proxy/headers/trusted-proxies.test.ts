import { expect, test } from '@jest/globals';
import { TrustedProxies, UNIX_PEER } from '../../../proxy/headers/trusted-proxies.js';

test.each([
  ['an address', ['10.0.0.1'], '10.0.0.1', true],
  ['another address', ['10.0.0.1'], '10.0.0.2', false],
  ['one of a range', ['10.0.0.0/8'], '10.200.3.4', true],
  ['one beside it', ['10.0.0.0/8'], '11.0.0.1', false],
  ['IPv6', ['fd00::/8'], 'fd12::1', true],
  // As a front that listens on `::` sees IPv4.
  ['IPv4 within IPv6', ['10.0.0.0/8'], '::ffff:10.0.0.1', true],
  ['IPv4 within IPv6 of another range', ['10.0.0.0/8'], '::ffff:11.0.0.1', false],
  ['the front of Unix, where nobody is named', [], UNIX_PEER, true],
  ['nobody else then', [], '127.0.0.1', false],
  ['what is no address', ['0.0.0.0/0'], '', false],
])('%s of %j: %s is trusted: %s', (_what, entries, address, trusted) => {
  expect(new TrustedProxies(entries).trusts(address)).toBe(trusted);
});
