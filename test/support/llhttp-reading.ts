// How node:http's own parser (llhttp) reads bytes: the second opinion of the fuzz tests. Strict, as by default.

import { METHODS } from 'node:http';
import { createRequire } from 'node:module';

export interface SecondOpinion {
  readonly messages: readonly ReadMessage[];
  /** Why it stopped, when it did. */
  readonly fault?: string;
}

export interface ReadMessage {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** Bits of Node's internal binding that are used here; it has no types. */
interface Parser {
  initialize(type: number, resource: object): void;
  execute(bytes: Buffer): number | Error;
  finish(): Error | undefined;
  [callback: number]: unknown;
}
interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

/** Major and minor version, fields and target (unless they came before), method, status. */
type HeadArguments = [number, number, string[] | undefined, number | undefined, string | undefined, number];

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
};

/** As llhttp gets to read it: what is no version in there, since it stands in a body, is changed too. */
export function withKnownVersions(bytes: string): string {
  return bytes.replaceAll(/HTTP\/1\.[2-9]/g, 'HTTP/1.1');
}

export function readRequestsWithLlhttp(bytes: string): SecondOpinion {
  // Ours serves a higher minor version as 1.1 (RFC 9112 section 2.3); llhttp knows no such version.
  return read(HTTPParser.REQUEST, {
    bytes: bytes.replaceAll(/ HTTP\/1\.[2-9]\r\n/g, ' HTTP/1.1\r\n'),
    skipsBody: false,
  });
}

/** Those of the requests that llhttp can have an opinion on: it knows the registered methods alone. */
export function comparable<Request extends { readonly method: string }>(
  requests: readonly Request[],
): readonly Request[] {
  const unknown = requests.findIndex(({ method }) => !METHODS.includes(method));
  return unknown < 0 ? requests : requests.slice(0, unknown);
}

/** What a proxy asks an upstream for (RFC 9112 sections 3.2.1 and 3.2.4). */
export function asOriginForm(url: string, method: string): string {
  const match = /^http:\/\/[^/?]*(.*)$/i.exec(url);
  if (match === null) return url;
  const rest = match[1]!;
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Values of the X-A fields, by which the fuzz tests see whether fields arrive. */
export function marksOf(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'x-a');
}

/** One response, with the end of the connection behind it. */
export function readResponseWithLlhttp(bytes: string, options: { readonly head: boolean }): SecondOpinion {
  // A higher minor version is read as 1.1 (RFC 9110 section 2.5), which llhttp does not do.
  const known = bytes.replace(/(^|\r\n\r\n)HTTP\/1\.[2-9](?= )/g, '$1HTTP/1.1');
  return read(HTTPParser.RESPONSE, { bytes: known, skipsBody: options.head });
}

function read(type: number, input: { readonly bytes: string; readonly skipsBody: boolean }): SecondOpinion {
  const messages: ReadMessage[] = [];
  let rest = Buffer.from(input.bytes, 'latin1');
  for (;;) {
    const before = messages.length;
    const parser = parserInto(messages, { type, skipsBody: input.skipsBody });
    const result = parser.execute(rest);
    if (typeof result !== 'number') return { messages, fault: result.message };
    // It stops behind a message that asks for an upgrade: what follows is read afresh.
    if (result < rest.length && messages.length > before) rest = rest.subarray(result);
    else {
      const fault = parser.finish();
      return fault instanceof Error ? { messages, fault: fault.message } : { messages };
    }
  }
}

function parserInto(messages: ReadMessage[], options: { readonly type: number; readonly skipsBody: boolean }): Parser {
  const parser = new HTTPParser();
  let current = { method: '', url: '', status: 0, rawHeaders: [] as readonly string[], body: '' };
  // Long heads and trailers come in pieces before the rest.
  let early = { fields: [] as string[], url: '' };
  const forget = () => (early = { fields: [], url: '' });
  parser.initialize(options.type, {});
  parser[HTTPParser.kOnHeaders] = (fields: string[], url: string) => {
    early = { fields: [...early.fields, ...fields], url: early.url + url };
  };
  parser[HTTPParser.kOnHeadersComplete] = (...head: HeadArguments) => {
    const [, , fields = early.fields, method = -1, url = early.url, status] = head;
    current = { method: methods[method] ?? '', url, status, rawHeaders: fields, body: '' };
    forget();
    return options.skipsBody ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => void (current.body += chunk.toString('latin1'));
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages.push(current);
    forget();
  };
  return parser;
}
