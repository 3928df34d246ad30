// Whether this process can be replaced by a new one of its program while the workers run on.

import { tryRead } from '../core/cgroup.js';
import { operatorError, type UnderstudyError } from '../core/errors.js';

/** Init programs of containers that end with their child, and take the whole container with them. */
const DYING_PARENTS = new Set(['tini', 'docker-init', 'dumb-init', 'catatonit']);

export interface UpgradeFacts {
  /** What the new process needs in its environment; undefined where our program is not Understudy's own. */
  readonly successorEnv: Readonly<Record<string, string>> | undefined;
  /** We have come by an upgrade ourselves, so nobody waits for us as the first process of a container. */
  readonly isSuccessor: boolean;
}

/** Returns the new process's environment. @throws UnderstudyError (operator) `not-upgradable`. */
export function requireUpgradable({ successorEnv, isSuccessor }: UpgradeFacts): Readonly<Record<string, string>> {
  if (successorEnv === undefined) {
    throw notUpgradable(
      "this instance is part of another program, which can't be started a second time: only 'understudy run' can",
    );
  }
  if (isFirstOfNamespace() && !isSuccessor) {
    throw notUpgradable(
      'this process is the first of its container, or that one ends with it: the container would end with the hand-over. Start a new one instead',
    );
  }
  return successorEnv;
}

function isFirstOfNamespace(): boolean {
  return (
    process.pid === 1 || process.ppid === 0 || (process.ppid === 1 && DYING_PARENTS.has(tryRead('/proc/1/comm').trim()))
  );
}

function notUpgradable(message: string): UnderstudyError {
  return operatorError('not-upgradable', message);
}
