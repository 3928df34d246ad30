import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawConnection } from '../support/raw-connection.js';
import { headerFromIPv4 } from '../support/proxy-headers.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

async function ask(bytes: string): Promise<string> {
  const connection = await RawConnection.open(instance.frontPort);
  const received = await connection.write(bytes).waitForEnd();
  connection.close();
  return received;
}

describe('a run with front.proxyProtocol', () => {
  test('serves whoever a trusted proxy announces, logs that address, and counts who comes without a header', async () => {
    instance = await UnderstudyProcess.start({
      backendCount: 1,
      config: {
        front: { port: 0, proxyProtocol: true },
        trustedProxies: ['127.0.0.1'],
        modes: { production: { active: 1 } },
        log: { access: 'json' },
      },
    });
    // The kernel's choice: nobody who had it before knocks there.
    instance.frontPort = (await instance.status()).front.port;
    expect(await ask(headerFromIPv4('192.0.2.7').toString('latin1') + GET)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(`PROXY TCP6 2001:db8::7 ::1 1 2\r\n${GET}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(GET)).toBe('');
    const metrics = await (await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`)).text();
    expect(metrics).toContain('understudy_connections_refused_total{reason="bad-proxy-header"} 1\n');
    const { logDir } = (await instance.status()).instance;
    instance.signal('SIGTERM');
    expect(await instance.waitForExit()).toBe(0);
    const lines = readFileSync(join(logDir, 'access.log'), 'utf8').trimEnd().split('\n');
    const addresses = lines.map((line) => (JSON.parse(line) as { client: { address: string } }).client.address);
    expect(addresses).toEqual(['192.0.2.7', '2001:db8::7']);
  });

  test('is refused, and check says why, when no proxy is trusted', async () => {
    instance = await UnderstudyProcess.prepare({ config: { front: { proxyProtocol: true } } });
    for (const command of ['check', 'run']) {
      const { code, stderr } = await instance.command(command);
      expect(code).toBe(2);
      expect(stderr).toMatch(/front\.proxyProtocol: is on, but trustedProxies is empty.*accepted: /);
    }
  });
});
