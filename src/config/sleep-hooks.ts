// The `sleep` section in the pool's words.

import type { PoolOptions } from '../../pool/index.js';
import type { Config } from './config.js';

type Hooks = NonNullable<PoolOptions['sleepHooks']>;
type HookConfig = NonNullable<Config['sleep']>['demote'];
type HttpHookConfig = Extract<HookConfig, { readonly path: string }>;

export function toSleepHooks({ sleep, health }: Config): Pick<PoolOptions, 'sleepHooks'> {
  if (sleep === undefined) return {};
  const { demote, promote, golden } = sleep;
  const ownHealth = { method: 'GET', path: health.path, timeoutMs: health.timeout };
  return {
    sleepHooks: {
      demote: toHook(demote),
      promote: toHook(promote),
      golden: golden === undefined ? ownHealth : toHttpHook(golden),
    },
  };
}

function toHook(hook: HookConfig): Hooks['demote'] {
  return 'command' in hook ? { command: hook.command, timeoutMs: hook.timeout } : toHttpHook(hook);
}

function toHttpHook({ timeout, body, expectStatus, expectBody, ...rest }: HttpHookConfig): Hooks['golden'] {
  return {
    ...rest,
    ...(body === undefined ? {} : { body }),
    ...(expectStatus === undefined ? {} : { expectStatus }),
    ...(expectBody === undefined ? {} : { expectBody }),
    timeoutMs: timeout,
  };
}
