import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Certificate } from '../../src/certificate.js';
import { silentLog } from '../../src/core/log.js';
import { CERTIFICATE, OTHER_CERTIFICATE, type CertificatePair } from '../support/certificates.js';
import { ManualClock } from '../support/manual-clock.js';

/** Longer than it takes to see a change, and to see that it is over. */
const SEEN_MS = 10_000;

let folder: string;
let clock: ManualClock;
let renewed: number;
let complaints: string[];
let certificate: Certificate;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-certificate-'));
  clock = new ManualClock();
  renewed = 0;
  complaints = [];
});

afterEach(() => {
  certificate.stop();
  rmSync(folder, { recursive: true });
});

/** By a file put in the old one's place, as those that renew certificates do. */
function write({ cert, key }: CertificatePair): void {
  for (const [name, text] of [
    ['cert', cert],
    ['key', key],
  ] as const) {
    writeFileSync(join(folder, 'new'), text);
    renameSync(join(folder, 'new'), join(folder, `${name}.pem`));
  }
}

function start(files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }): void {
  const log = { ...silentLog, error: ({ reason }: { reason: string }) => void complaints.push(reason) };
  certificate = new Certificate({ ...files, minVersion: 'TLSv1.2' }, { clock, log, onRenewed: () => (renewed += 1) });
  certificate.watch();
}

describe('the certificate of the front', () => {
  test('is another one soon after its files are', () => {
    write(CERTIFICATE);
    start();
    clock.advance(SEEN_MS);
    expect(renewed).toBe(0);
    write(OTHER_CERTIFICATE);
    clock.advance(SEEN_MS);
    expect(certificate.current).toMatchObject(OTHER_CERTIFICATE);
    expect(renewed).toBe(1);
  });

  test('stays when its folder can no longer be looked into, and is another one once it can', () => {
    const inner = join(folder, 'live');
    mkdirSync(inner);
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(inner, name));
    const writeBoth = (pair: CertificatePair) => {
      writeFileSync(cert!, pair.cert);
      writeFileSync(key!, pair.key);
    };
    writeBoth(CERTIFICATE);
    start({ cert: cert!, key: key! });
    renameSync(inner, join(folder, 'away'));
    // Not merely gone: what is below it can't be asked for.
    writeFileSync(inner, '');
    clock.advance(SEEN_MS);
    expect(certificate.current).toMatchObject(CERTIFICATE);
    expect(complaints).toHaveLength(1);
    rmSync(inner);
    renameSync(join(folder, 'away'), inner);
    writeBoth(OTHER_CERTIFICATE);
    clock.advance(SEEN_MS);
    expect(certificate.current).toMatchObject(OTHER_CERTIFICATE);
  });

  test('is another one when a link leads to other files', () => {
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    write(CERTIFICATE);
    const links = { cert: join(folder, 'live-cert'), key: join(folder, 'live-key') };
    for (const kind of ['cert', 'key'] as const) symlinkSync(files[kind], links[kind]);
    start(links);
    writeFileSync(join(folder, 'cert2'), OTHER_CERTIFICATE.cert);
    writeFileSync(join(folder, 'key2'), OTHER_CERTIFICATE.key);
    for (const kind of ['cert', 'key'] as const) {
      symlinkSync(join(folder, `${kind}2`), join(folder, 'link'));
      renameSync(join(folder, 'link'), links[kind]);
    }
    clock.advance(SEEN_MS);
    expect(certificate.current).toMatchObject(OTHER_CERTIFICATE);
  });

  test('stays when its files can not be used any more, which is said once', () => {
    write(CERTIFICATE);
    start();
    write({ ...OTHER_CERTIFICATE, key: CERTIFICATE.key });
    clock.advance(6 * SEEN_MS);
    expect(certificate.current).toMatchObject(CERTIFICATE);
    expect(renewed).toBe(0);
    expect(complaints).toEqual([
      expect.stringMatching(/front\.tls\.key: .*key\.pem is the key of another certificate/),
    ]);
    rmSync(join(folder, 'key.pem'));
    clock.advance(SEEN_MS);
    expect(complaints[1]).toMatch(/front\.tls\.key: cannot be read/);
  });

  test('is not read while its files are still being written', () => {
    write(CERTIFICATE);
    start();
    write({ ...OTHER_CERTIFICATE, key: CERTIFICATE.key });
    clock.advance(2_000);
    write(OTHER_CERTIFICATE);
    clock.advance(SEEN_MS);
    expect(certificate.current).toMatchObject(OTHER_CERTIFICATE);
    expect(complaints).toEqual([]);
  });
});
