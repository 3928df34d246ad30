// What the fast lane makes of a request's head before it looks for an upstream. A connection's next request with the
// same octets in its head has the same plan: only its id is another.

import type { JudgedRequest } from '../../gate.js';
import type { Priority } from '../../priority.js';
import type { RequestSubject } from '../../request-account.js';
import type { ChangingText } from '../changing-text.js';

export interface FastPlan {
  readonly request: JudgedRequest;
  /** The head that an upstream gets. Its part is an id of ours, or nothing where the client's own is in it. */
  readonly text: ChangingText;
  /** The client's own id, where it goes on as it came. */
  readonly givenId: string | undefined;
  /** Executing it twice does no harm. */
  readonly repeatable: boolean;
  readonly affinityKey: string;
  readonly priority: Priority;
  readonly subject: RequestSubject;
}
