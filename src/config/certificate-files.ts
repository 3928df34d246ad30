// The front's certificate and key, as files: read and judged together, so that what is handed on works, and what does not
// is told with the file's name and what is accepted.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorMessage } from '../core/errors.js';
import type { Config } from './config.js';
import { ConfigError, type ConfigProblem } from './config-error.js';

type TlsConfig = NonNullable<Config['front']['tls']>;

export interface CertificateReading {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly minVersion: TlsConfig['minVersion'];
  /** When it is valid no longer, in milliseconds since 1970. */
  readonly validTo: number;
}

/** @throws ConfigError with everything that is wrong with the files. */
export function readCertificate(config: TlsConfig): CertificateReading {
  const problems: ConfigProblem[] = [];
  const cert = readText({ path: 'front.tls.cert', file: config.cert }, problems);
  const key = readText({ path: 'front.tls.key', file: config.key }, problems);
  const certificate = cert === undefined ? undefined : parseCertificate(cert, config.cert, problems);
  const privateKey = key === undefined ? undefined : parseKey(key, config.key, problems);
  if (certificate !== undefined && privateKey !== undefined) checkPair({ certificate, privateKey, config }, problems);
  if (problems.length === 0) checkUsable({ cert: cert!, key: key! }, config, problems);
  if (problems.length > 0) throw new ConfigError('the files of front.tls', problems);
  const { minVersion } = config;
  return { cert: cert!, key: key!, minVersion, validTo: Date.parse(certificate!.validTo) };
}

interface Source {
  readonly path: string;
  readonly file: string;
}

function readText({ path, file }: Source, problems: ConfigProblem[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    problems.push({ path, message: `cannot be read: ${errorMessage(error)}` });
    return undefined;
  }
}

function parseCertificate(cert: string, file: string, problems: ConfigProblem[]): X509Certificate | undefined {
  try {
    return new X509Certificate(cert);
  } catch {
    const accepted = "a PEM file that begins with the server's certificate, the ones that signed it behind it";
    problems.push({ path: 'front.tls.cert', message: `${file} is no certificate; accepted: ${accepted}` });
    return undefined;
  }
}

function parseKey(key: string, file: string, problems: ConfigProblem[]): KeyObject | undefined {
  try {
    return createPrivateKey(key);
  } catch {
    const accepted = 'a private key in PEM that needs no passphrase';
    problems.push({ path: 'front.tls.key', message: `${file} is no private key; accepted: ${accepted}` });
    return undefined;
  }
}

interface Pair {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  readonly config: TlsConfig;
}

function checkPair({ certificate, privateKey, config }: Pair, problems: ConfigProblem[]): void {
  if (certificate.checkPrivateKey(privateKey)) return;
  problems.push({
    path: 'front.tls.key',
    message: `${config.key} is the key of another certificate than the first one in ${config.cert}`,
  });
}

/** What OpenSSL has against it besides, such as a key that is too short. */
function checkUsable(
  pem: { readonly cert: string; readonly key: string },
  { cert, minVersion }: TlsConfig,
  problems: ConfigProblem[],
): void {
  try {
    createSecureContext({ ...pem, minVersion });
  } catch (error) {
    problems.push({ path: 'front.tls.cert', message: `${cert} cannot be used: ${errorMessage(error)}` });
  }
}
