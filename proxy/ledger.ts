// What is known of one attempt at a request: how much of it was sent and what came back. The retry policy reads it.

export interface Ledger {
  /** `nothing`: no byte has left us for this upstream. */
  readonly sent: 'nothing' | 'part' | 'all';
  /** True once the client has got a byte of this answer: from then on there is no second attempt. */
  readonly forwarded: boolean;
}
