import { describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '../../../src/admin/logged-event.js';
import { explain } from '../../../src/admin/explain.js';
import type { BackendStatus, StatusView, WorkerStatus } from '../../../src/admin/status-view.js';

const NOW = 1_700_000_000_000;

function worker(id: string, over: Partial<WorkerStatus> = {}): WorkerStatus {
  const counts = { restarts: 0, retryInMs: null, inflight: 0, requests: 0, failures: 0 };
  return { id, url: '', pid: 1, state: 'active', health: 'well', breaker: 'closed', ...counts, ...over };
}

function backend(name: string, over: Partial<BackendStatus> = {}): BackendStatus {
  const role = over.role ?? 'active';
  const facts = { name, port: 1, role, wished: role, byHand: false, temperature: null, promotion: null, tiers: {} };
  return { ...facts, workers: [worker(`${name}/1`)], ...over };
}

function statusWith(backends: readonly BackendStatus[], over: Partial<StatusView> = {}): StatusView {
  return {
    instance: {
      version: '',
      pid: 1,
      startedAt: 0,
      adminSocket: '',
      configPath: null,
      logDir: '',
      takingOver: false,
      failedUpgrade: null,
    },
    mode: { current: 'validation', target: 'validation', converged: true, leases: [], available: [], job: {} },
    front: { host: '', port: 1, socket: null, tls: null, inflight: 0, waiting: 0 },
    backends,
    failback: { kind: 'steady' },
    pressure: { acts: [], evidence: null },
    resources: null,
    ...over,
  };
}

function explained(about: BackendStatus, over: Partial<StatusView> = {}, events: readonly LoggedEvent[] = []): string {
  const status = statusWith([about], over);
  return explain({ status, events, nowMs: NOW, backend: about.name }).join('\n');
}

describe('explain', () => {
  test.each<[string, BackendStatus, RegExp]>([
    ['an active backend', backend('primary'), /primary is active: mode validation wants it in traffic/],
    [
      'a standby',
      backend('fallback', {
        role: 'standby',
        temperature: 'frozen',
        workers: [worker('fallback/1', { state: 'standby' })],
      }),
      /fallback is on standby \(frozen\) because of mode validation: started and proven, without traffic/,
    ],
    [
      'one that does not get ready',
      backend('primary', {
        workers: [worker('primary/1', { state: 'starting', health: 'unproven', lastProbe: 'answered 503' })],
      }),
      /primary\/1 is starting\. Its health path answered 503 last\./,
    ],
    [
      'one without a place',
      backend('spare', { role: 'off', workers: [] }),
      /spare is off: mode validation has no place/,
    ],
    [
      'one promoted by hand',
      backend('fallback', { byHand: true }),
      /fallback is active because an operator asked for it by hand.*'understudy drain fallback'/,
    ],
    [
      'one that an operator wants out of traffic and that nobody replaces',
      backend('primary', { byHand: true, wished: 'standby' }),
      /^primary is active, although an operator asked by hand to take it out of traffic: .* nothing can take its place\./,
    ],
    [
      'one that an operator wants in traffic and that is not there yet',
      backend('spare', { byHand: true, role: 'off', wished: 'active', workers: [] }),
      /^spare is off, on its way into traffic: an operator asked for it by hand\./,
    ],
    [
      'a stand-in that goes back now',
      backend('fallback', { wished: 'standby' }),
      /although mode validation wants it on standby.\n.*goes back to standby now/,
    ],
    [
      'a failed worker that starts again',
      backend('primary', {
        workers: [worker('primary/1', { state: 'failed', retryInMs: 1_234, lastError: 'out of memory' })],
      }),
      /primary\/1 failed and starts again in 1\.2 s\. Last trouble: out of memory/,
    ],
    [
      'a worker in trouble that still serves',
      backend('primary', { workers: [worker('primary/1', { health: 'suspect', breaker: 'open', restarts: 2 })] }),
      /primary\/1: its health is suspect; its breaker is open, since requests to it failed; restarted 2 times/,
    ],
  ])('tells of %s', (_what, about, says) => {
    expect(explained(about)).toMatch(says);
  });

  test('tells when a stand-in goes back', () => {
    const standIn = backend('fallback', { wished: 'standby' });
    const failback = { kind: 'pending', inMs: 7_160 } as const;
    expect(explained(standIn, { failback })).toMatch(
      /it goes back to standby in 7\.2 s, unless another worker is lost/,
    );
  });

  test.each(['standby', 'starting', 'draining'])(
    'tells of the latest promotion of a stand-in, also one from %s',
    (from) => {
      const standIn = backend('fallback', { wished: 'standby' });
      const move = { kind: 'worker' as const, backend: 'fallback', worker: 'fallback/1', to: 'active' } as const;
      const events = [
        { ...move, seq: 1, at: NOW, from: 'standby', cause: 'an older loss' },
        { ...move, seq: 2, at: NOW + 1_000, from, cause: 'primary/1: its process ended unasked' },
      ];
      const [, line] = explained(standIn, {}, events).split('\n');
      expect(line).toMatch(/It was promoted at .*: primary\/1: its process ended unasked\./);
    },
  );

  test('tells cause, evidence and rule of the latest move only', () => {
    const draining = backend('primary', { workers: [worker('primary/1', { state: 'draining', inflight: 3 })] });
    const move = { at: NOW, kind: 'worker', backend: 'primary', worker: 'primary/1', to: 'draining' } as const;
    const events = [
      { ...move, seq: 1, cause: 'an older reason' },
      { ...move, seq: 2, cause: 'production was asked for', evidence: 'by hand', rule: 'what serves meets the mode' },
    ];
    const [, line] = explained(draining, {}, events).split('\n');
    expect(line).toMatch(/3 in flight may finish\. .*: production was asked for \(by hand\)\. Rule: what serves meets/);
    expect(line).not.toContain('older');
  });

  test('tells how cold the standby is that a worker has become', () => {
    const move = {
      kind: 'worker' as const,
      backend: 'fallback',
      worker: 'fallback/1',
      to: 'standby',
      cause: 'it rests',
    };
    const events = [
      { ...move, seq: 1, at: NOW, from: 'draining', temperature: 'hot' },
      { ...move, seq: 2, at: NOW, from: 'standby', temperature: 'frozen' },
    ];
    expect(explained(backend('fallback'), {}, events)).toMatch(
      /draining -> standby \(hot\): it rests\n.*standby -> standby \(frozen\): it rests/,
    );
  });

  test('tells of the whole pool who holds which mode', () => {
    const lease = { id: 'lease-1', holder: 'nightly', mode: 'validation', ttlMs: 1, expiresAt: NOW + 9_500 };
    const mode = { current: 'production', target: 'validation', converged: false, available: [], job: {} };
    const status = statusWith([backend('primary')], { mode: { ...mode, leases: [{ ...lease, overruled: false }] } });
    const lines = explain({ status, events: [], nowMs: NOW });
    expect(lines[0]).toMatch(/on its way from production to validation; until it is there, the old shape serves/);
    expect(lines[1]).toMatch(/nightly holds mode validation for 10 s more/);
  });

  test('tells of the whole pool what is done because memory is short, and the numbers', () => {
    const pressure = { acts: ['pause-starts', 'freeze-standby'], evidence: '3.0 % of the RAM is available' };
    const lines = explain({ status: statusWith([backend('primary')], { pressure }), events: [], nowMs: NOW });
    expect(lines).toContain('  Memory is short (3.0 % of the RAM is available), hence: pause-starts, freeze-standby.');
  });

  test('tells of a pool that lacks the shape of its own mode as such, not as a switch', () => {
    const mode = { current: 'validation', target: 'validation', converged: false, leases: [], available: [], job: {} };
    const lost = backend('primary', { workers: [worker('primary/1', { state: 'failed' })] });
    const lines = explain({ status: statusWith([lost], { mode }), events: [], nowMs: NOW });
    expect(lines[0]).toMatch(/is in mode validation, but not in its shape/);
    expect(lines.join('\n')).toMatch(/primary\/1/);
  });

  test('names the backends there are when asked for another', () => {
    const status = statusWith([backend('primary')]);
    expect(() => explain({ status, events: [], nowMs: NOW, backend: 'thrid' })).toThrow(
      expect.objectContaining({ code: 'unknown-backend', message: expect.stringContaining('primary') }),
    );
  });
});
