// Turns what an operation threw into a problem+json answer (RFC 9457) with a stable code.

import { maxHeaderSize, STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { errorCode, errorMessage, operatorError, UnderstudyError } from '../core/errors.js';

const PROBLEM_TYPE = 'application/problem+json';

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'bad-request': 400,
  'config-invalid': 422,
  'not-reloadable': 422,
  unauthorized: 401,
  'request-timeout': 408,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'expectation-failed': 417,
  'head-too-large': 431,
  'method-not-allowed': 405,
  'not-found': 404,
  'unknown-backend': 404,
  'unknown-lease': 404,
  'unknown-mode': 404,
  'foreign-host': 403,
  'not-implemented': 501,
  stopping: 503,
};

/** The status for an error code; a refused operator action without an entry is a conflict with the present state. */
export function statusOf(error: unknown): number {
  const status = STATUS_BY_CODE[errorCode(error) ?? ''];
  if (status !== undefined) return status;
  return error instanceof UnderstudyError && error.source === 'operator' ? 409 : 500;
}

/** Sends the problem; defects of ours show their message, never a stack. */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  return reply.code(statusOf(error)).type(PROBLEM_TYPE).send(problemText(error));
}

/** For what Node has read, and no route is asked about. */
export function answerProblem(response: ServerResponse, error: UnderstudyError): void {
  response.statusCode = statusOf(error);
  response.setHeader('content-type', PROBLEM_TYPE).setHeader('connection', 'close').end(problemText(error));
}

/** What Node says of a connection on which no request could be read. */
export function connectionProblem(cause: Error): UnderstudyError {
  switch (errorCode(cause)) {
    case 'HPE_HEADER_OVERFLOW':
      return operatorError('head-too-large', `the head is too large; accepted: up to ${maxHeaderSize} bytes`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return operatorError('request-timeout', 'the request did not come whole in its time');
    default:
      return badRequest(`this is no HTTP request: ${cause.message}`);
  }
}

/** For what is no request to reply to; the connection ends with it. */
export function endWithProblem(socket: Duplex, error: UnderstudyError): void {
  if (!socket.writable) return void socket.destroy();
  const text = problemText(error);
  const status = statusOf(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.end([...head, 'connection: close', '', text].join('\r\n'));
}

function problemText(error: unknown): string {
  const status = statusOf(error);
  const code = error instanceof UnderstudyError ? error.code : 'internal-error';
  return JSON.stringify({ type: 'about:blank', title: titleOf(status), status, code, detail: errorMessage(error) });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Token needed',
  403: 'Not for this host',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Too slow',
  409: 'Refused',
  413: 'Body too large',
  415: 'Unsupported media type',
  417: 'Expectation failed',
  422: 'Invalid config',
  431: 'Head too large',
  501: 'Not implemented',
  503: 'Stopping',
};

function titleOf(status: number): string {
  return TITLES[status] ?? 'Internal error';
}

export function badRequest(detail: string): UnderstudyError {
  return operatorError('bad-request', detail);
}
