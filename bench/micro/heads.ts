// `npm run bench:micro`: nanoseconds a parsed and judged request head, for 3, 15 and 40 fields, and the same with the head
// for the upstream written. Medians of rounds in one process; compare them with each other, not across machines.

import { Gate } from '../../proxy/gate.js';
import { requestText } from '../../proxy/headers/request-text.js';
import { RequestHeadParser } from '../../proxy/http1/request-head.js';
import { printTable, type Row } from '../support/report.js';
import { median } from '../support/statistics.js';

const ROUNDS = 9;
const HEADS_PER_ROUND = 100_000;

const parser = new RequestHeadParser({ maxHeadBytes: 16 * 1024, maxFields: 100 });
const gate = new Gate({ maxBodyBytes: Infinity, upgrades: ['websocket'], pseudonym: 'understudy-bench' });
const own = { forwarding: 'X-Forwarded-For: 127.0.0.1\r\nVia: 1.1 understudy-bench\r\n', keepsId: false };

function headOf(fields: number): Buffer {
  const lines = Array.from({ length: fields - 1 }, (_, index) => `X-Field-${index}: value ${index} of a usual length`);
  return Buffer.from(['GET /path?query=1 HTTP/1.1', 'Host: example.test', ...lines, '', ''].join('\r\n'), 'latin1');
}

function judge(head: Buffer) {
  if (parser.parse(head, 0) !== 'complete') throw new Error(parser.fault?.detail ?? 'incomplete');
  const judged = gate.judge(parser);
  if ('code' in judged) throw new Error(judged.detail);
  return judged;
}

function nanosecondsPer(run: () => void): number {
  const rounds = Array.from({ length: ROUNDS + 1 }, () => {
    const startedAt = process.hrtime.bigint();
    for (let count = 0; count < HEADS_PER_ROUND; count += 1) run();
    return Number(process.hrtime.bigint() - startedAt) / HEADS_PER_ROUND;
  });
  // The first one warms up.
  return Math.round(median(rounds.slice(1)));
}

const rows: Row[] = [3, 15, 40].map((fields) => {
  const head = headOf(fields);
  return {
    fields,
    bytes: head.length,
    'parse + judge, ns': nanosecondsPer(() => judge(head)),
    'and write for the upstream, ns': nanosecondsPer(() => requestText(parser, judge(head), own)),
  };
});
printTable(`${HEADS_PER_ROUND} heads a round, medians of ${ROUNDS} rounds`, rows);
