// What was asked for, and by whom, read off a head that was parsed whole: of a request that is served, and of one that is
// refused for what its fields mean.

import { fieldOf } from '../http1/field-of.js';
import type { RequestHeadParser } from '../http1/request-head.js';
import type { RequestSubject } from '../request-account.js';
import type { ClientFacts } from '../request-record.js';
import type { ClientConnection } from './client-connection.js';
import type { LaneContext } from './lane-context.js';

export interface Asker {
  readonly connection: Pick<ClientConnection, 'clientAddress' | 'receivedVersion'>;
  readonly observer: LaneContext['observer'];
}

/** @param target as it is told, where the head's is another one. */
export function subjectOf(head: RequestHeadParser, asker: Asker, target = head.target): RequestSubject {
  return { method: head.method, path: target, client: clientFacts(head, asker) };
}

function clientFacts(head: RequestHeadParser, { connection, observer }: Asker): ClientFacts | undefined {
  if (observer.wantsClient !== true) return undefined;
  return {
    address: connection.clientAddress,
    httpVersion: connection.receivedVersion ?? `1.${head.minorVersion}`,
    referer: fieldOf(head, 'referer'),
    userAgent: fieldOf(head, 'user-agent'),
  };
}
