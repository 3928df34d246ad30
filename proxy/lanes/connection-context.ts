// What a client connection needs of its surroundings.

import type { DeadlineWheel } from '../deadline-wheel.js';
import type { Gate, JudgedRequest } from '../gate.js';
import type { TrustedProxies } from '../headers/trusted-proxies.js';
import type { HeadFault, RequestHeadParser } from '../http1/request-head.js';
import type { ProxyOptions } from '../options.js';
import type { ClientConnection } from './client-connection.js';
import type { FastPlan } from './fast/fast-plan.js';
import type { KnownHeads } from './known-head.js';
import type { MessageServer } from './message-server.js';

/** What is known of who sent a head that can't be read. */
export type RefusedClient = Pick<ClientConnection, 'clientAddress' | 'receivedVersion'>;

export interface ConnectionContext {
  readonly wheel: DeadlineWheel;
  readonly parser: RequestHeadParser;
  readonly gate: Gate;
  readonly limits: ProxyOptions['limits'];
  readonly deadlines: ProxyOptions['deadlines'];
  /** How long a connection may be without a request, in milliseconds. */
  readonly idleMs: number;
  readonly trustedProxies: TrustedProxies;
  readonly pseudonym: string;
  readonly knownHeads: KnownHeads;
  /** No further message on any connection. */
  readonly draining: boolean;
  /**
   * Picks who serves the request whose head the parser has just completed, and tells the connection the plan for it
   * where there is one. Undefined: it is answered already, and the connection was told so.
   */
  serve(connection: ClientConnection, request: JudgedRequest): MessageServer | undefined;
  /** The same for a request with the very head that the plan was made of. */
  serveAgain(connection: ClientConnection, plan: FastPlan): MessageServer;
  noteMessage(): void;
  /** Once for each message. */
  noteAnswered(): void;
  /** `head`: has just completed it, and the fault is of what it means. */
  noteRefused(fault: HeadFault, client: RefusedClient, head?: RequestHeadParser): void;
  onClosed(connection: ClientConnection): void;
}
