import { expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/parse-config.js';
import { toPoolOptions } from '../../src/config/pool-options.js';
import type { toProxyOptions } from '../../src/config/proxy-options.js';
import { Reloader, type ReloaderOptions } from '../../src/reloader.js';

type Certificate = ReloaderOptions['certificate'];

test('a certificate that is renewed while the pool follows comes with the options of after', async () => {
  const command = ['serve', '{port}'];
  const before = parseConfig({ command });
  const after = parseConfig({ command, limits: { maxFields: 7 } });
  const given: ReturnType<typeof toProxyOptions>[] = [];
  const certificate = { current: undefined as Certificate['current'], refresh: () => false };
  const reloader: Reloader = new Reloader({
    config: before,
    poolOptions: toPoolOptions(before),
    certificate,
    proxy: { applyOptions: (options) => void given.push(options) },
    pool: {
      applyOptions: () => {
        certificate.current = { cert: 'renewed', key: 'key', validTo: 1 } as unknown as Certificate['current'];
        return Promise.resolve({ added: [], removed: [], replaced: [] });
      },
    },
    modesInUse: () => ['production'],
    onApplied: () => undefined,
  });
  await reloader.reload(() => after);
  expect(given.at(-1)).toMatchObject({ front: { tls: { cert: 'renewed' } }, limits: { maxFields: 7 } });
});
