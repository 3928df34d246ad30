// What the fast lane needs beside the policies that both lanes share.

import type { Upstream } from '../../upstream.js';
import type { AnswerContext } from './answer.js';
import type { UpstreamConnections } from './upstream-connections.js';

export interface FastLaneContext extends AnswerContext {
  readonly connections: UpstreamConnections;
  noteAnnouncedDrain(upstream: Upstream): void;
}
