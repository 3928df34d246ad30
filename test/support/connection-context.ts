// The surroundings of one client connection, for tests of that connection alone: no lane, no upstream, default limits.

import { Gate } from '../../proxy/gate.js';
import { TrustedProxies } from '../../proxy/headers/trusted-proxies.js';
import { RequestHeadParser } from '../../proxy/http1/request-head.js';
import { defaultProxyOptions } from '../../proxy/index.js';
import type { ConnectionContext } from '../../proxy/lanes/connection-context.js';
import { KnownHeads } from '../../proxy/lanes/known-head.js';

type Own = Pick<ConnectionContext, 'wheel' | 'serve' | 'serveAgain'>;

export function connectionContext(own: Own): ConnectionContext {
  const { limits, deadlines } = defaultProxyOptions;
  return {
    parser: new RequestHeadParser(limits),
    gate: new Gate({ maxBodyBytes: Infinity, upgrades: [], pseudonym: 'proxy' }),
    limits,
    deadlines,
    idleMs: deadlines.clientIdleMs,
    trustedProxies: new TrustedProxies([]),
    pseudonym: 'proxy',
    knownHeads: new KnownHeads(),
    draining: false,
    noteMessage: () => undefined,
    noteAnswered: () => undefined,
    noteRefused: () => undefined,
    onClosed: () => undefined,
    ...own,
  };
}
