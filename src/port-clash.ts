// Who holds an address that we could not listen on: the proxy and the admin API know that it is taken, the pool knows how
// to find out by whom.

import { findPortHolder } from '../pool/index.js';
import { errorCode, errorMessage, UnderstudyError } from './core/errors.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The same, with the holder's pid and command in its error. */
export async function namingHolder<T>(listening: Promise<T>, { host, port }: Address): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    if (!(error instanceof UnderstudyError) || errorCode(error.cause) !== 'EADDRINUSE') throw error;
    const holder = await findPortHolder(host, port);
    if (holder === undefined) throw error;
    const { code, source } = error;
    throw new UnderstudyError(`${errorMessage(error)} Port ${port} is held by ${holder}.`, {
      code,
      source,
      cause: error,
    });
  }
}
