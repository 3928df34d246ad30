// Who holds an address that we could not listen on: the proxy and the admin API know that it is taken, the pool knows how
// to find out by whom.

import { errorCode, errorMessage, UnderstudyError } from './core/errors.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type FindHolder = (host: string, port: number) => Promise<string | undefined>;

/** Settles as `listening` does, but with the holder's pid and command in the error of a port that is taken. */
export async function namingHolder<T>(
  listening: Promise<T>,
  { address: { host, port }, findHolder }: { readonly address: Address; readonly findHolder: FindHolder },
): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    if (!(error instanceof UnderstudyError) || errorCode(error.cause) !== 'EADDRINUSE') throw error;
    const holder = await findHolder(host, port);
    if (holder === undefined) throw error;
    const message = `${errorMessage(error)} Port ${port} is held by ${holder}.`;
    throw new UnderstudyError(message, { code: error.code, source: error.source, cause: error });
  }
}
