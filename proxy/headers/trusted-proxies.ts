// Whose forwarding fields are believed: addresses and CIDR ranges from the config.

import { BlockList, isIP } from 'node:net';

/** In place of an address, as nginx writes it: whoever came by the front's Unix socket. */
export const UNIX_PEER = 'unix:';

export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #empty: boolean;

  /** Entries such as `10.0.0.1`, `10.0.0.0/8`, `::1`, `fd00::/8`. They are checked with the config. */
  constructor(entries: readonly string[]) {
    this.#empty = entries.length === 0;
    for (const entry of entries) this.#add(entry);
  }

  trusts(address: string): boolean {
    // The file's mode says who may connect, and they are few.
    if (address === UNIX_PEER) return true;
    if (this.#empty) return false;
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
    return isIP(mapped) !== 0 && this.#list.check(mapped, familyOf(mapped));
  }

  #add(entry: string): void {
    const [address = '', prefix] = entry.split('/');
    if (prefix === undefined) this.#list.addAddress(address, familyOf(address));
    else this.#list.addSubnet(address, Number(prefix), familyOf(address));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
