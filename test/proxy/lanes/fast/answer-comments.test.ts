// Where a comment of ours may stand in an answer.
import { expect, test } from '@jest/globals';
import { Gate } from '../../../../proxy/gate.js';
import { ResponseTexts } from '../../../../proxy/headers/response-text.js';
import { RequestHeadParser } from '../../../../proxy/http1/request-head.js';
import { ResponseHeadParser } from '../../../../proxy/http1/response-head.js';
import { Answer, type AnswerJudge, type AnswerTaker } from '../../../../proxy/lanes/fast/answer.js';
import type { JudgedRequest } from '../../../../proxy/gate.js';

const LIMITS = { maxHeadBytes: 16_384, maxFields: 100 };
const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';

const taker: AnswerTaker = {
  full: false,
  writeText: () => undefined,
  writeCopy: () => undefined,
  write: () => true,
  writeLasting: () => undefined,
  cork: () => undefined,
  uncork: () => undefined,
};
const judge: AnswerJudge = {
  acceptsAnswer: () => true,
  mayHoldAnswer: () => false,
  closesAfterAnswer: () => false,
};

function requestOf(text: string): JudgedRequest {
  const parser = new RequestHeadParser(LIMITS);
  const bytes = Buffer.from(text);
  parser.parse(bytes, 0);
  return new Gate({ maxBodyBytes: Infinity, upgrades: [], pseudonym: 'us' }).judge(parser) as JudgedRequest;
}

function answerOf(...blocks: readonly string[]): Answer {
  const answer = new Answer(taker);
  const context = { parser: new ResponseHeadParser(LIMITS), texts: new ResponseTexts(), date: () => 'today' };
  answer.begin(context, requestOf('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), judge);
  for (const block of blocks) answer.take(Buffer.from(block), block.length, false);
  return answer;
}

test.each([
  ['behind a line', [`${STREAM}\r\ndata: one\n`], true],
  ['within a line', [`${STREAM}\r\ndata: one\nda`], false],
  ['behind a line that ends in another block', [`${STREAM}\r\ndata: one`, '\n'], true],
  ['within a line of another block', [`${STREAM}\r\ndata: one\n`, 'da'], false],
  ['behind a chunk that ends a line', [`${STREAM}Transfer-Encoding: chunked\r\n\r\na\r\ndata: one\n\r\n`], true],
  ['behind a chunk that ends within one', [`${STREAM}Transfer-Encoding: chunked\r\n\r\n2\r\nda\r\n`], false],
  ['within a chunk', [`${STREAM}Transfer-Encoding: chunked\r\n\r\nff\r\ndata: one\n`], false],
  ['where nothing of the stream has come yet', [`${STREAM}\r\n`], true],
  [
    'behind a chunk whose end comes alone',
    [`${STREAM}Transfer-Encoding: chunked\r\n\r\na\r\ndata: one\n`, '\r\n'],
    true,
  ],
  [
    'behind a chunk whose end comes in halves',
    [`${STREAM}Transfer-Encoding: chunked\r\n\r\na\r\ndata: one\n\r`, '\n'],
    true,
  ],
  [
    'behind a chunk within a line, whose end comes alone',
    [`${STREAM}Transfer-Encoding: chunked\r\n\r\n2\r\nda`, '\r\n'],
    false,
  ],
  ['in a stream that is compressed', [`${STREAM}Content-Encoding: gzip\r\n\r\nx\n`], false],
  ['in a stream with a length', [`${STREAM}Content-Length: 100\r\n\r\ndata: one\n`], false],
  ['in anything else', ['HTTP/1.1 200 OK\r\n\r\ntext\n'], false],
])('%s: %j', (_where, blocks, expected) => {
  expect(answerOf(...blocks).canComment).toBe(expected);
});
