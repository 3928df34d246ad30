// undici's client of one connection, which tells a request the line that it is carried by.

import { Client, type buildConnector, type Dispatcher } from 'undici';
import type { ResponseHeadParser } from '../http1/response-head.js';
import { connectorOf, UpstreamLine } from './upstream-line.js';

/** What is dispatched through a pool of these clients. */
export interface LineDispatchOptions extends Dispatcher.DispatchOptions {
  readonly onLine: (line: UpstreamLine) => void;
}

export interface UpstreamClientOptions extends Client.Options {
  readonly connect: buildConnector.connector;
}

export class UpstreamClient extends Client {
  readonly #line: UpstreamLine;

  constructor(origin: URL, options: UpstreamClientOptions, parser: ResponseHeadParser) {
    const line = new UpstreamLine(parser);
    super(origin, { ...options, connect: connectorOf(line, options.connect) });
    this.#line = line;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (options as LineDispatchOptions).onLine(this.#line);
    return super.dispatch(options, handler);
  }
}
