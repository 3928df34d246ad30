// undici's connection pools, one an upstream. They never queue (a request gets a free socket or a new one), never retry,
// and give idle sockets up before the server does.

import { isDeepStrictEqual } from 'node:util';
import { buildConnector, Pool } from 'undici';
import type { UpstreamAddress } from '../../src/core/traffic-port.js';
import { ResponseHeadParser } from '../http1/response-head.js';
import type { ProxyOptions } from '../options.js';
import type { Upstream } from '../upstream.js';
import { UpstreamClient, type UpstreamClientOptions } from './upstream-client.js';

/** What undici takes for one; three weeks. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export class UpstreamPools {
  #options: ProxyOptions;
  /** One for all: a head is done with in the turn it was parsed in. */
  #parser: ResponseHeadParser;
  readonly #pools = new Map<Upstream, Pool>();

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#parser = new ResponseHeadParser(options.limits);
  }

  poolOf(upstream: Upstream): Pool {
    const known = this.#pools.get(upstream);
    if (known !== undefined) return known;
    const pool = this.#create(upstream.target.address);
    this.#pools.set(upstream, pool);
    return pool;
  }

  /** Where these ask for other pools: new ones from now on, and the old ones finish what they carry. */
  applyOptions(options: ProxyOptions): void {
    const same = isDeepStrictEqual(poolSettings(options), poolSettings(this.#options));
    this.#options = options;
    if (same) return;
    this.#parser = new ResponseHeadParser(options.limits);
    for (const pool of this.#pools.values()) void pool.close();
    this.#pools.clear();
  }

  /** The upstream is gone and idle. */
  release(upstream: Upstream): void {
    const pool = this.#pools.get(upstream);
    this.#pools.delete(upstream);
    void pool?.destroy();
  }

  destroy(): void {
    for (const pool of this.#pools.values()) void pool.destroy();
    this.#pools.clear();
  }

  #create(address: UpstreamAddress): Pool {
    const { connectMs, firstByteMs, upstreamIdleMs } = this.#options.deadlines;
    const origin = address.kind === 'tcp' ? originOf(address) : 'http://upstream';
    const parser = this.#parser;
    return new Pool(origin, {
      factory: (url, options) => new UpstreamClient(url, options as UpstreamClientOptions, parser),
      connections: null,
      pipelining: 1,
      keepAliveTimeout: Math.min(upstreamIdleMs, LONGEST_TIMEOUT_MS),
      keepAliveMaxTimeout: Math.min(upstreamIdleMs, LONGEST_TIMEOUT_MS),
      headersTimeout: orOff(firstByteMs),
      // The exchange's to judge: undici does not see that an upload goes on.
      bodyTimeout: 0,
      maxHeaderSize: this.#options.limits.maxHeadBytes,
      connect: buildConnector({
        timeout: orOff(connectMs),
        noDelay: true,
        ...(address.kind === 'unix' ? { socketPath: address.path } : {}),
      }),
    });
  }
}

/** undici's word for no deadline. */
function orOff(ms: number): number {
  return ms === Infinity ? 0 : ms;
}

function poolSettings({ deadlines, limits }: ProxyOptions) {
  return { ...deadlines, maxHeadBytes: limits.maxHeadBytes, maxFields: limits.maxFields };
}

/** An IPv6 address needs brackets in a URL. */
function originOf(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}
