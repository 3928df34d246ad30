// Two certificates for localhost that nobody should ever trust: made for these tests, valid for a hundred years, keys included.
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost \
//   -addext subjectAltName=DNS:localhost,IP:127.0.0.1

import type { FrontOptions } from '../../proxy/options.js';

export interface CertificatePair {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export const CERTIFICATE: CertificatePair = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUbLXAOw9XYgGjd0dfLqAWVZPzKyowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzIyMjk0NVoYDzIxMjYxMTAz
MjIyOTQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQzn3naMo+c1BMSZ4sI90KimMWxS+Rl+qsnirYRGjKljULBl8+whJAG
AJgnYjJgcbrFQzz4Jf3aNNV/yRD9oWuTo28wbTAdBgNVHQ4EFgQUp3RMzcVFgKVg
Vo+VTfWPcgVsrGkwHwYDVR0jBBgwFoAUp3RMzcVFgKVgVo+VTfWPcgVsrGkwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhALHvi5A1iagHQL3txmiJrnAehSEWmODqaeN8zALg/ThcAiBn
70wjgrv8gsp/+gKluWCvlkcEQD2CG63EVUDzudKibg==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKapetJg2GDLaOXQ4
MIuWmSbOIupu+hmcMOO2rQIU4gmhRANCAAQzn3naMo+c1BMSZ4sI90KimMWxS+Rl
+qsnirYRGjKljULBl8+whJAGAJgnYjJgcbrFQzz4Jf3aNNV/yRD9oWuT
-----END PRIVATE KEY-----
`,
};

export const OTHER_CERTIFICATE: CertificatePair = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUBpvlyzBLeHEqf9PZ+7/XSkUMmx8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzIyMjk0NVoYDzIxMjYxMTAz
MjIyOTQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATduHdlDFR95sbErp9LWtSh4QMXxw0tdoVby4F6LDW9iPtV57S6l1oW
6OsgHEw3xmlXHBIxgLLdNBpbWpcVfX2So28wbTAdBgNVHQ4EFgQUO5eXREygdIZz
tFAuaWOEJbHNVeUwHwYDVR0jBBgwFoAUO5eXREygdIZztFAuaWOEJbHNVeUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgFngPkq1PWMLYG9YF6vMNXMwArkxE3CrSBVIpy7evhTcCIDJm
8SJtSi4pU4HT9YEqFIhvkIXDX1Y8lIxdDqqtIi5+
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgC13VIuTVIZZ+v1XU
nkBLVxQFNosOk4KEmxuMq0zeFiuhRANCAATduHdlDFR95sbErp9LWtSh4QMXxw0t
doVby4F6LDW9iPtV57S6l1oW6OsgHEw3xmlXHBIxgLLdNBpbWpcVfX2S
-----END PRIVATE KEY-----
`,
};

export function frontWith(pair: CertificatePair): FrontOptions {
  return { host: '127.0.0.1', port: 0, tls: { ...pair, minVersion: 'TLSv1.2' } };
}

/** What every lane is tried over. */
export const FRONTS = { TCP: { host: '127.0.0.1', port: 0 }, TLS: frontWith(CERTIFICATE) } as const;

export const LANES_AND_FRONTS = [
  ['auto', 'TCP'],
  ['full', 'TCP'],
  ['auto', 'TLS'],
  ['full', 'TLS'],
] as const;
