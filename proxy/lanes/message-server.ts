// Who serves the message that a client connection has begun: the fast lane's exchange, or the full lane's guest. The
// connection owns octets and framing, the server owns what becomes of the request.

import type { HeadFault } from '../http1/request-head.js';
import type { EndedBy } from '../request-record.js';

export interface MessageServer {
  /** All of the body that came along with the head has been handed over. */
  start(): void;
  /**
   * Whether `onBody` may be given octets that lie in a block, without a copy of their own. Then it writes them on at once, and
   * what it still needs when `start` returns it copies. `lasting`: the block is this connection's own, so that octets stay until
   * more is read from it; into any other block other connections read next.
   */
  takesBlock(lasting: boolean): boolean;
  /**
   * Judged octets of the body, valid for good; where they are `inBlock`, until more of the body is read, or until `start`
   * has returned if they come before it.
   */
  onBody(bytes: Buffer, inBlock: boolean): void;
  /** The body is whole. */
  onBodyEnd(): void;
  /**
   * The body is malformed or will never be whole: the request is given up. True when the client has got something of
   * the answer already, so that it can only be cut off.
   */
  onBodyBroken(fault: HeadFault): boolean;
  /** The client has ended its sending side; it may still be listening (RFC 9112 section 9.6). */
  onHalfClosed(): void;
  /** The client is gone: nobody is left to answer. */
  onClientGone(): void;
  /** The client can take more after a write that said no. */
  onClientDrained(): void;
}

/** Who ends a request at a broken body: how much one may hold is our word, all else the client's doing. */
export function enderOf({ code }: HeadFault): EndedBy {
  return code === 'body-too-large' ? 'proxy' : 'client';
}
