// The front's certificate while it runs. Whoever renews certificates replaces their files: that is seen within seconds, the new
// pair is for the next handshakes, and one that can't be used leaves the old one in its place.

import { readCertificate, type CertificateReading } from './config/certificate-files.js';
import type { Config } from './config/config.js';
import type { Clock, Timer } from './core/clock.js';
import { errorMessage } from './core/errors.js';
import { fingerprintOf } from './core/fingerprint.js';
import type { Logger } from './core/log.js';

export interface CertificateDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Another one is in `current`. */
  readonly onRenewed: () => void;
}

/** Certificate and key are written one after the other, so they are read once they have been quiet for one look. */
const LOOK_EVERY_MS = 2_000;

export class Certificate {
  readonly #config: Config['front']['tls'];
  readonly #dependencies: CertificateDependencies;
  #current: CertificateReading | undefined;
  /** As they were when they were read last, whatever came of it. */
  #readAs = '';
  #seenAs = '';
  #timer: Timer | undefined;

  /** @throws ConfigError with everything that is wrong with the files. */
  constructor(config: Config['front']['tls'], dependencies: CertificateDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.refresh();
  }

  /** Undefined where the front has none. */
  get current(): CertificateReading | undefined {
    return this.#current;
  }

  /**
   * Reads the files now. Returns whether they have another pair than before.
   * @throws ConfigError with everything that is wrong with them; the old pair stays then.
   */
  refresh(): boolean {
    if (this.#config === undefined) return false;
    this.#readAs = this.#look();
    const before = this.#current;
    const now = readCertificate(this.#config);
    if (before?.cert === now.cert && before.key === now.key) return false;
    this.#current = now;
    return true;
  }

  watch(): void {
    if (this.#config === undefined) return;
    this.#seenAs = this.#readAs;
    this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    const look = () => {
      this.#renewIfQuiet();
      this.#lookLater();
    };
    this.#timer = this.#dependencies.clock.startTimer(LOOK_EVERY_MS, look, { unref: true });
  }

  #renewIfQuiet(): void {
    const before = this.#seenAs;
    this.#seenAs = this.#look();
    if (this.#seenAs !== before || this.#seenAs === this.#readAs) return;
    const { log, onRenewed } = this.#dependencies;
    try {
      if (!this.refresh()) return;
      log.info({ validTo: new Date(this.#current!.validTo).toISOString() }, 'the certificate was renewed');
      onRenewed();
    } catch (error) {
      log.error({ reason: errorMessage(error) }, 'the new certificate cannot be used: the old one stays');
    }
  }

  /** Renewed files differ in one of these, also where a link leads to another file now. */
  #look(): string {
    const { cert, key } = this.#config!;
    return [cert, key].map(fingerprintOf).join(' ');
  }
}
