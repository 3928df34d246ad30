// A strict reading of HTTP/1.1 for tests, written apart from the product's own: it accepts what RFC 9112 lets a careful
// sender send, and calls everything else a fault. Bytes are latin1 text.

export interface StrictMessage {
  readonly startLine: string;
  /** In order, names as they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Bytes of the whole message as they came. */
  readonly raw: string;
}

export interface StrictRequest extends StrictMessage {
  readonly method: string;
  readonly target: string;
}

export interface StrictResponse extends StrictMessage {
  readonly status: number;
  /** Ended by the end of the connection. */
  readonly delimitedByClose: boolean;
}

/** What was read so far. `rest` is the beginning of a message that is not whole; `fault` says what no message can be. */
export interface Reading<Message> {
  readonly messages: readonly Message[];
  readonly rest: string;
  readonly fault?: string;
}

class Fault extends Error {}
/** More bytes are needed. */
class Incomplete extends Error {}

const FIELD =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21\x22\x24-\x7e]+) HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/;
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const CHUNK_LINE =
  /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t ]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\\r\n]|\\.)*"))?)*$/;

type Fields = readonly (readonly [string, string])[];

/** The values of a field, by lower-case name. */
export function valuesOf({ fields }: Pick<StrictMessage, 'fields'>, lowerName: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === lowerName).map(([, value]) => value);
}

export function readRequests(bytes: string): Reading<StrictRequest> {
  return readAll(bytes, readRequest);
}

/** `methods` are those of the requests in turn; `ended` says that the connection is over. */
export function readResponses(
  bytes: string,
  { methods, ended }: { readonly methods: readonly string[]; readonly ended: boolean },
): Reading<StrictResponse> {
  let answered = 0;
  return readAll(bytes, (text) => {
    const response = readResponse(text, { method: methods[answered] ?? 'GET', ended });
    if (response.status >= 200) answered += 1;
    return response;
  });
}

function readAll<Message extends StrictMessage>(bytes: string, read: (text: string) => Message): Reading<Message> {
  const messages: Message[] = [];
  let rest = bytes;
  try {
    while (rest.length > 0) {
      const message = read(rest);
      messages.push(message);
      rest = rest.slice(message.raw.length);
    }
  } catch (error) {
    if (error instanceof Fault) return { messages, rest, fault: error.message };
    if (!(error instanceof Incomplete)) throw error;
  }
  return { messages, rest };
}

function readRequest(text: string): StrictRequest {
  const { startLine, fields, length } = readHead(text);
  const match = REQUEST_LINE.exec(startLine);
  if (match === null) throw new Fault(`request line ${JSON.stringify(startLine)}`);
  const [, method = '', target = ''] = match;
  const hosts = valuesOf({ fields }, 'host');
  if (hosts.length !== 1 || !HOST.test(hosts[0]!)) throw new Fault(`Host ${JSON.stringify(hosts)}`);
  const framing = framingOf(fields);
  const body = readBody(text.slice(length), framing);
  const raw = text.slice(0, length + body.length);
  return { startLine, method, target, fields, body: body.content, trailers: body.trailers, raw };
}

function readResponse(text: string, context: { readonly method: string; readonly ended: boolean }): StrictResponse {
  const { startLine, fields, length } = readHead(text);
  const match = STATUS_LINE.exec(startLine);
  if (match === null) throw new Fault(`status line ${JSON.stringify(startLine)}`);
  const status = Number(match[1]);
  const framing = framingOf(fields);
  const bodiless = status < 200 || status === 204 || status === 304 || context.method === 'HEAD';
  if ((status < 200 || status === 204) && framing !== undefined) throw new Fault(`framing fields on ${status}`);
  const delimitedByClose = !bodiless && framing === undefined;
  if (delimitedByClose && !context.ended) throw new Incomplete();
  const rest = text.slice(length);
  const body = bodiless
    ? { content: '', trailers: [], length: 0 }
    : delimitedByClose
      ? { content: rest, trailers: [], length: rest.length }
      : readBody(rest, framing);
  const raw = text.slice(0, length + body.length);
  return { startLine, status, fields, body: body.content, trailers: body.trailers, raw, delimitedByClose };
}

function readHead(text: string): { startLine: string; fields: Fields; length: number } {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    if (/(?:^|[^\r])\n|\r[^\n]|^\r\n/.test(text)) throw new Fault(`line ends in ${JSON.stringify(text.slice(0, 200))}`);
    throw new Incomplete();
  }
  const [startLine = '', ...lines] = text.slice(0, end).split('\r\n');
  return { startLine, fields: lines.map(readField), length: end + 4 };
}

function readField(line: string): readonly [string, string] {
  const match = FIELD.exec(line);
  if (match === null) throw new Fault(`field ${JSON.stringify(line)}`);
  return [match[1]!, match[2]!];
}

type Framing = { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' };

function framingOf(fields: Fields): Framing | undefined {
  const codings = valuesOf({ fields }, 'transfer-encoding');
  const lengths = valuesOf({ fields }, 'content-length');
  if (codings.length + lengths.length > 1) throw new Fault(`framing ${JSON.stringify([codings, lengths])}`);
  if (codings.length === 1) {
    if (codings[0]!.toLowerCase() !== 'chunked') throw new Fault(`coding ${codings[0]}`);
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return undefined;
  if (!/^\d{1,15}$/.test(lengths[0]!)) throw new Fault(`length ${lengths[0]}`);
  return { kind: 'length', length: Number(lengths[0]) };
}

interface Body {
  readonly content: string;
  readonly trailers: Fields;
  readonly length: number;
}

function readBody(text: string, framing: Framing | undefined): Body {
  if (framing?.kind === 'chunked') return readChunks(text);
  const length = framing?.length ?? 0;
  if (text.length < length) throw new Incomplete();
  return { content: text.slice(0, length), trailers: [], length };
}

function readChunks(text: string): Body {
  let content = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) {
      if (/[\n]|\r[^\n]/.test(text.slice(at))) throw new Fault('chunk line end');
      throw new Incomplete();
    }
    const line = text.slice(at, lineEnd);
    const match = CHUNK_LINE.exec(line);
    if (match === null) throw new Fault(`chunk line ${JSON.stringify(line)}`);
    const size = Number.parseInt(match[1]!, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) throw new Incomplete();
    content += text.slice(at, at + size);
    if (text.slice(at + size, at + size + 2) !== '\r\n') throw new Fault('chunk data end');
    at += size + 2;
  }
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) throw new Incomplete();
    const line = text.slice(at, lineEnd);
    at = lineEnd + 2;
    if (line === '') return { content, trailers, length: at };
    trailers.push(readField(line));
  }
}
