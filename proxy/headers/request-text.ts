// The head that an upstream gets from the fast lane, as one string: the client's own lines in one piece wherever nothing
// ends here, then what a gateway adds. The same rules as forward-request.ts, on octets instead of a list. Whoever sends it adds
// the empty line, and before that the id where it is one of ours: the text ends within that field's line then.

import type { JudgedRequest } from '../gate.js';
import { FIELD } from '../http1/field-names.js';
import type { RequestHeadParser } from '../http1/request-head.js';

/** What this hop says of itself, in whole lines. */
export interface OwnLines {
  /** X-Forwarded-*, Forwarded and Via. */
  readonly forwarding: string;
  /** The client's own X-Request-Id goes on. */
  readonly keepsId: boolean;
}

/** `head` is the parser that has just judged `request`. */
export function requestText(head: RequestHeadParser, request: JudgedRequest, own: OwnLines): string {
  const { fields } = head;
  const keepsLine = request.hostFrom !== 'target' && hasOwnVersion(head);
  const pieces: string[] = [];
  if (!keepsLine) pieces.push(request.method, ' ', request.target, ' HTTP/1.1\r\n');
  if (request.hostFrom === 'target') pieces.push(`Host: ${request.host}\r\n`);
  // RFC 9112 section 3.2: every HTTP/1.1 request has one, so one is made up for an HTTP/1.0 client.
  if (request.hostFrom === 'nowhere') pieces.push('Host: localhost\r\n');
  let keptFrom = keepsLine ? head.start : head.fieldsStart;
  for (let index = 0; index < fields.count; index += 1) {
    if (!endsHere(fields.kind[index]!, request, own)) continue;
    const lineStart = fields.nameStart[index]!;
    if (lineStart > keptFrom) pieces.push(head.text(keptFrom, lineStart));
    keptFrom = fields.lineEnd(index, head.end);
  }
  pieces.push(head.text(keptFrom, head.end - 2), own.forwarding);
  // RFC 9110 section 10.1.4: TE is for this hop, so it is said anew.
  if (request.upgrade !== undefined) pieces.push(`Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`);
  else if (request.wantsTrailers) pieces.push('TE: trailers\r\nConnection: TE\r\n');
  if (request.maxForwards !== undefined && request.maxForwards > 0)
    pieces.push(`Max-Forwards: ${request.maxForwards - 1}\r\n`);
  if (!own.keepsId) pieces.push('X-Request-Id: ');
  // Not by `+`: V8 keeps what that puts together as pieces, and would go through them each time the same head comes.
  return pieces.join('');
}

/** A request line that says exactly HTTP/1.1 can be passed on as it is (RFC 9112 section 2.3: the version is ours). */
function hasOwnVersion(head: RequestHeadParser): boolean {
  return head.bytes[head.fieldsStart - 3] === 0x31;
}

function endsHere(kind: number, request: JudgedRequest, own: OwnLines): boolean {
  switch (kind) {
    case FIELD.OTHER:
    case FIELD.CONTENT_LENGTH:
    case FIELD.TRANSFER_ENCODING:
    case FIELD.VIA:
    case FIELD.IDEMPOTENCY_KEY:
    case FIELD.DATE:
    case FIELD.CONTENT_TYPE:
    case FIELD.ANNOUNCED_DRAIN:
      return false;
    case FIELD.HOST:
      return request.hostFrom === 'target';
    case FIELD.EXPECT:
      return !request.expectsContinue;
    case FIELD.REQUEST_ID:
      return !own.keepsId;
    case FIELD.MAX_FORWARDS:
      return request.maxForwards !== undefined;
    default:
      return true;
  }
}
