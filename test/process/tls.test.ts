// A run with a certificate, from outside: HTTPS, HTTP/2, a renewal, an upgrade, and files that can't be used.

import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';
import { CERTIFICATE, OTHER_CERTIFICATE, type CertificatePair } from '../support/certificates.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

/** The files lie beside the config, whose folder is not the one that the process works in. */
async function prepare(pair: CertificatePair): Promise<void> {
  instance = await UnderstudyProcess.prepare({ backendCount: 1 });
  const { folder, frontPort, adminPort, backendPorts, runtimeDir, configPath } = instance;
  write(pair);
  const config = {
    front: { host: '127.0.0.1', port: frontPort, tls: { cert: join(folder, 'cert'), key: join(folder, 'key') } },
    admin: { host: '127.0.0.1', port: adminPort },
    backends: [{ name: 'primary', port: backendPorts[0] }],
    modes: { production: { active: 1 } },
    runtimeDir,
  };
  writeFileSync(configPath, JSON.stringify(config));
}

function write({ cert, key }: CertificatePair): void {
  writeFileSync(join(instance.folder, 'cert'), cert);
  writeFileSync(join(instance.folder, 'key'), key);
}

async function ask({ cert }: CertificatePair): Promise<number | undefined> {
  const asking = request({ host: '127.0.0.1', port: instance.frontPort, ca: cert, agent: false }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode;
}

async function askByHttp2({ cert }: CertificatePair): Promise<unknown> {
  const session = connectHttp2(`https://127.0.0.1:${instance.frontPort}`, { ca: cert });
  const stream = session.request({ ':path': '/' }).resume();
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  session.close();
  return headers[':status'];
}

describe('a run with front.tls', () => {
  test('serves both versions over TLS, goes on with a renewed certificate, and through an upgrade', async () => {
    await prepare(CERTIFICATE);
    instance.launch();
    await instance.waitForOutput(/ready on https:\/\//);
    expect([await ask(CERTIFICATE), await askByHttp2(CERTIFICATE)]).toEqual([200, 200]);
    expect((await instance.status()).front.tls).toEqual({ validTo: expect.any(Number) });
    write(OTHER_CERTIFICATE);
    expect(await instance.command('reload')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/front\.tls: valid until .* -> valid until /),
    });
    expect([await ask(OTHER_CERTIFICATE), await askByHttp2(OTHER_CERTIFICATE)]).toEqual([200, 200]);
    await expect(ask(CERTIFICATE)).rejects.toThrow();
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect([await ask(OTHER_CERTIFICATE), await askByHttp2(OTHER_CERTIFICATE)]).toEqual([200, 200]);
    expect(await instance.command('stop')).toMatchObject({ code: 0 });
  });

  test('is refused, and check says why, when the key belongs to another certificate', async () => {
    await prepare({ ...CERTIFICATE, key: OTHER_CERTIFICATE.key });
    for (const command of ['check', 'run']) {
      const { code, stderr } = await instance.command(command);
      expect(code).toBe(2);
      expect(stderr).toMatch(/front\.tls\.key: .*is the key of another certificate/);
      expect(stderr).not.toMatch(/ at /);
    }
    expect((await instance.command('doctor', '--no-try')).stdout).toMatch(/FAIL .*files of front\.tls/);
    // Who only asks need not be able to read a key.
    expect((await instance.command('status')).code).toBe(3);
  });
});
