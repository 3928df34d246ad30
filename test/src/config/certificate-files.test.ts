import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readCertificate } from '../../../src/config/certificate-files.js';
import { CERTIFICATE, OTHER_CERTIFICATE } from '../../support/certificates.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-certificate-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function read(texts: { readonly cert?: string; readonly key?: string }) {
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return readCertificate({ cert: join(folder, 'cert'), key: join(folder, 'key'), minVersion: 'TLSv1.3' });
}

test('a pair that fits is read, with the end of its time', () => {
  const reading = read(CERTIFICATE);
  expect(reading).toMatchObject({ ...CERTIFICATE, minVersion: 'TLSv1.3' });
  expect(new Date(reading.validTo).getFullYear()).toBe(2126);
});

test.each([
  [
    'no files',
    {},
    /2 problems in the files of front\.tls:.*front\.tls\.cert: cannot be read.*front\.tls\.key: cannot be/s,
  ],
  ['no certificate', { ...CERTIFICATE, cert: 'x' }, /front\.tls\.cert: .*cert is no certificate; accepted: a PEM file/],
  ['no key', { ...CERTIFICATE, key: 'x' }, /front\.tls\.key: .*key is no private key; accepted: .* no passphrase/],
  [
    'another key',
    { ...CERTIFICATE, key: OTHER_CERTIFICATE.key },
    /front\.tls\.key: .*is the key of another certificate/,
  ],
])('%s: what is wrong is said, and with which file', (_what, texts, message) => {
  expect(() => read(texts)).toThrow(message);
});
