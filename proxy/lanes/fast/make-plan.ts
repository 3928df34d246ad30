// What is made of a judged request once, for it and for all that repeat its head on the connection.

import { fieldOf } from '../../http1/field-of.js';
import { requestText } from '../../headers/request-text.js';
import type { JudgedRequest } from '../../gate.js';
import type { RequestHeadParser } from '../../http1/request-head.js';
import { priorityOf, type Priority } from '../../priority.js';
import { isRepeatable } from '../../retry-policy.js';
import { affinityBy } from '../affinity.js';
import { ChangingText } from '../changing-text.js';
import type { ClientConnection } from '../client-connection.js';
import type { LaneContext } from '../lane-context.js';
import { subjectOf } from '../request-subject.js';
import type { FastPlan } from './fast-plan.js';

export interface PlanSources {
  readonly connection: ClientConnection;
  readonly request: JudgedRequest;
  /** Has just completed the request's head. */
  readonly parser: RequestHeadParser;
  readonly context: LaneContext;
}

export function makePlan(sources: PlanSources): FastPlan {
  const { connection, request, parser, context } = sources;
  const givenId = context.requestIds.kept(request.requestId);
  const keepsId = givenId !== undefined;
  const own = { forwarding: connection.forwarding.of(parser, request.host), keepsId };
  return {
    request,
    text: new ChangingText(requestText(parser, request, own), keepsId ? '\r\n' : '\r\n\r\n'),
    givenId,
    repeatable: isRepeatable({ ...request, path: request.target }, context.safeRoutes),
    affinityKey: affinityIn(sources),
    priority: priorityIn(sources),
    subject: subjectOf(parser, { connection, observer: context.observer }, request.target),
  };
}

/** Costs nothing under policies that do not ask for it. */
function affinityIn({ connection, parser, context }: PlanSources): string {
  const { clientAddress: address } = connection;
  const { policy, hashOn } = context.options.balance;
  if (policy !== 'hash') return address;
  return affinityBy(hashOn, { address, field: (lowerName) => fieldOf(parser, lowerName) });
}

/** Costs nothing where nobody's word counts and no route is declared. */
function priorityIn({ connection, request, parser, context }: PlanSources): Priority {
  const { trustedProxies, options } = context;
  const { header, trustClients } = options.priorities;
  const trusted = trustedProxies.trusts(connection.clientAddress);
  const claimed = trusted || trustClients ? fieldOf(parser, header) : undefined;
  return priorityOf({ path: request.target, claimed, trusted }, options.priorities);
}
