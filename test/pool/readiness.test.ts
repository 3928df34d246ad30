import { describe, expect, test } from '@jest/globals';
import { describeProbe, judgeProbe, probePauseMs, provenBefore, unproven, type Health } from '../../pool/readiness.js';
import { defaultPoolOptions } from '../../pool/options.js';
import type { ProbeResult } from '../../pool/worker-runtime.js';

const OPTIONS = { rise: 2, fall: 3 };
const PASS: ProbeResult = { kind: 'passed', status: 200 };
const TIMEOUT: ProbeResult = { kind: 'timeout' };
const REFUSED: ProbeResult = { kind: 'refused' };
const BAD: ProbeResult = { kind: 'bad-status', status: 503 };
const UNKNOWN: ProbeResult = { kind: 'unknown', reason: 'EMFILE' };

function after(results: readonly ProbeResult[], busy = false, health: Health = unproven): Health {
  return results.reduce((before, result) => judgeProbe(before, { result, busy }, OPTIONS), health);
}

const WELL = after([PASS, PASS]);

describe('the judgement of probes', () => {
  test.each([
    ['unproven', 'after one pass of two', [PASS]],
    ['well', 'after two passes', [PASS, PASS]],
    ['unproven', 'when a failure came between two passes', [PASS, REFUSED, PASS]],
    ['unproven', 'however often an unproven worker fails', [REFUSED, REFUSED, REFUSED, REFUSED]],
    ['suspect', 'after one failure of a well worker', [PASS, PASS, TIMEOUT]],
    ['suspect', 'after two', [PASS, PASS, TIMEOUT, BAD]],
    ['down', 'after three', [PASS, PASS, TIMEOUT, BAD, TIMEOUT]],
    ['down', 'after one refused connection', [PASS, PASS, REFUSED]],
    ['well', 'as soon as a suspect passes', [PASS, PASS, TIMEOUT, PASS]],
    ['down', 'after one pass of a condemned worker', [PASS, PASS, REFUSED, PASS]],
    ['well', 'after two passes of a condemned worker', [PASS, PASS, REFUSED, PASS, PASS]],
  ] as const)('says %s %s', (verdict, _, results) => {
    expect(after(results).verdict).toBe(verdict);
  });

  test.each([
    ['well', 'with its first pass', [PASS]],
    ['suspect', 'after two failures', [TIMEOUT, BAD]],
    ['down', 'after three', [TIMEOUT, BAD, TIMEOUT]],
    ['down', 'at the first refused connection', [REFUSED]],
  ] as const)('takes a worker that was proven before us for %s %s', (verdict, _, results) => {
    expect(after(results, false, provenBefore).verdict).toBe(verdict);
  });

  test('leaves a busy worker alone however often it does not answer in time', () => {
    expect(after([TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT], true, WELL)).toMatchObject({ verdict: 'well', fails: 0 });
  });

  test('does not take business for an excuse when a worker answers with an error', () => {
    expect(after([BAD, BAD, BAD], true, WELL).verdict).toBe('down');
  });

  test.each([
    ['unproven', [PASS]],
    ['well', [PASS, PASS]],
    ['suspect', [PASS, PASS, TIMEOUT]],
    ['down', [PASS, PASS, REFUSED]],
  ] as const)('leaves one that is %s as it is when it could not be asked', (verdict, results) => {
    const before = after(results);
    const now = after([UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN], false, before);
    expect(now).toEqual({ ...before, verdict, evidence: describeProbe(UNKNOWN) });
    expect(now.evidence).toBe('could not be asked, for want of descriptors, ports or memory on our side (EMFILE)');
  });

  test('asks for a hurried probe after a failure and an easy one when all is well', () => {
    const { health } = defaultPoolOptions;
    expect(probePauseMs(WELL, health)).toBe(health.intervalMs);
    expect(probePauseMs(after([TIMEOUT], false, WELL), health)).toBe(health.suspiciousIntervalMs);
  });
});
