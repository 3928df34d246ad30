// Takes a running instance from its config to another one, all or nothing: checked whole before anything is touched,
// and undone when the pool can't follow. One reload at a time; app.ts lends it both planes.

import type { ReloadReport } from './admin/reload-report.js';
import type { Certificate } from './certificate.js';
import type { Config } from './config/config.js';
import type { ConfigChange } from './config/config-diff.js';
import { toPoolOptions } from './config/pool-options.js';
import { toProxyOptions } from './config/proxy-options.js';
import { planReload } from './config/reload-plan.js';

export interface ReloaderOptions {
  readonly config: Config;
  readonly poolOptions: ReturnType<typeof toPoolOptions>;
  readonly certificate: Pick<Certificate, 'current' | 'refresh'>;
  readonly proxy: { applyOptions(options: ReturnType<typeof toProxyOptions>): void };
  readonly pool: { applyOptions(options: ReturnType<typeof toPoolOptions>): Promise<ReloadReport['backends']> };
  /** Modes that somebody counts on. */
  modesInUse(): readonly string[];
  /** What must follow the config besides the planes. */
  onApplied(config: Config, before: Config): void;
}

const NO_BACKENDS: ReloadReport['backends'] = { added: [], removed: [], replaced: [] };

export class Reloader {
  readonly #options: ReloaderOptions;
  #config: Config;
  #poolOptions: ReturnType<typeof toPoolOptions>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#poolOptions = options.poolOptions;
  }

  /** The one that is in force. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Resolves once the pool stands as the new config says.
   * @throws UnderstudyError `config-invalid`, `not-reloadable`, or the pool's own; nothing has changed then.
   */
  reload(load: () => Config): Promise<ReloadReport> {
    const reloaded = this.#last.then(() => this.#reload(load()));
    this.#last = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(config: Config): Promise<ReloadReport> {
    const before = this.#config;
    const { certificate } = this.#options;
    const planned = planReload(before, config, { modes: this.#options.modesInUse() });
    const poolOptions = toPoolOptions(config, { config: before, command: this.#poolOptions.command });
    // The last that may refuse: from here on it is what the proxy has.
    const changes = [...planned, ...refreshCertificate(certificate)];
    if (changes.length === 0) return { changes, backends: NO_BACKENDS };
    const backends = await this.#apply({ config, poolOptions });
    this.#options.onApplied(config, before);
    return { changes, backends };
  }

  async #apply({
    config,
    poolOptions,
  }: Pick<ReloaderOptions, 'config' | 'poolOptions'>): Promise<ReloadReport['backends']> {
    const { certificate, proxy, pool } = this.#options;
    const given = certificate.current;
    proxy.applyOptions(toProxyOptions(config, given));
    try {
      const backends = await pool.applyOptions(poolOptions);
      this.#config = config;
      this.#poolOptions = poolOptions;
      // A renewed one came with the options of before.
      if (certificate.current !== given) proxy.applyOptions(toProxyOptions(config, certificate.current));
      return backends;
    } catch (error) {
      proxy.applyOptions(toProxyOptions(this.#config, certificate.current));
      throw error;
    }
  }
}

/** Its files may have changed although the config has not. */
function refreshCertificate(certificate: ReloaderOptions['certificate']): ConfigChange[] {
  const before = validity(certificate);
  return certificate.refresh() ? [{ path: 'front.tls', before, after: validity(certificate) }] : [];
}

function validity({ current }: ReloaderOptions['certificate']): string {
  return `valid until ${new Date(current?.validTo ?? 0).toISOString()}`;
}
