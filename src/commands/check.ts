// `understudy check`: says whether the config is right; loadConfig throws every problem together if not.

import { describeFront } from '../admin/status-text.js';
import { readCertificate } from '../config/certificate-files.js';
import type { Config } from '../config/config.js';
import { loadConfig, type ConfigFlags } from '../config/load-config.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface CheckOptions {
  readonly flags: ConfigFlags;
}

/** Prints a summary of what would run. @throws ConfigError with every problem. */
export function runCheck(options: CheckOptions, terminal: Terminal): Promise<number> {
  const { config, path } = loadConfig({ flags: options.flags });
  // Here and by whoever serves alone: a command that only asks may run without the right to read a key.
  if (config.front.tls !== undefined) readCertificate(config.front.tls);
  const modes = Object.entries(config.modes).map(
    ([name, mode]) =>
      `${name} (${mode.active} x ${mode.workers}${mode.standby > 0 ? ` + ${mode.standby} ${mode.temperature}` : ''})`,
  );
  terminal.stdout.write(
    [
      `${path ?? 'defaults'}: ok`,
      `front     ${describeFront({ ...config.front, socket: config.front.socket ?? null, tls: config.front.tls ?? null })}${headersText(config)}`,
      `backends  ${config.backends.map((backend) => backend.name).join(', ')}`,
      `modes     ${modes.join(', ')}; starts in ${config.mode}`,
      '',
    ].join('\n'),
  );
  return Promise.resolve(EXIT.done);
}

function headersText({ front, trustedProxies }: Config): string {
  if (!front.proxyProtocol) return '';
  return `, PROXY headers from ${[...trustedProxies, ...(front.socket === undefined ? [] : ['the socket'])].join(', ')}`;
}
