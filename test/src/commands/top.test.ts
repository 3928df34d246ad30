import { describe, expect, test } from '@jest/globals';
import { runTop } from '../../../src/commands/top.js';
import { renderTop } from '../../../src/commands/top-view.js';
import type { Look } from '../../../src/admin/rates.js';
import type { StatusView, WorkerStatus } from '../../../src/admin/status-view.js';
import { ManualClock } from '../../support/manual-clock.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

function workerAt(id: string, counts: { requests: number; failures?: number }): WorkerStatus {
  return {
    id,
    url: 'http://127.0.0.1:8000',
    pid: 77,
    state: 'active',
    health: 'well',
    restarts: 0,
    inflight: 3,
    failures: 0,
    breaker: 'closed',
    retryInMs: null,
    ...counts,
  };
}

function statusWith(workers: readonly WorkerStatus[], facts: object = {}): StatusView {
  return {
    mode: { current: 'production', target: 'production', converged: true, leases: [] },
    front: { host: '127.0.0.1', port: 9000, socket: null, inflight: 4, waiting: 1 },
    pressure: { acts: [], evidence: null },
    resources: null,
    backends: [
      { name: 'primary', role: 'active', temperature: null, workers },
      { name: 'fallback', role: 'standby', temperature: 'frozen', workers: [] },
    ],
    ...facts,
  } as unknown as StatusView;
}

function shownAfter(seconds: number, [before, now]: readonly [StatusView | undefined, StatusView]): string {
  const earlier: Look | undefined = before && { status: before, atMs: 1_000 };
  return renderTop({ look: { status: now, atMs: 1_000 + seconds * 1_000 }, before: earlier, nowMs: 0 });
}

function rowOf(text: string, id: string): string[] {
  const line = text.split('\n').find((row) => row.includes(id))!;
  return line.trim().split(/ {2,}/);
}

describe('one look', () => {
  test('shows mode and traffic, and each worker with its rates since the last look', () => {
    const before = statusWith([workerAt('primary/1', { requests: 100, failures: 1 })]);
    const now = statusWith([workerAt('primary/1', { requests: 160, failures: 2 })]);
    const text = shownAfter(2, [before, now]);
    expect(text).toMatch(/^mode {5}production\ntraffic {2}30 requests\/s, 4 in flight, 1 waiting\n/);
    expect(rowOf(text, 'primary/1')).toEqual([
      'primary',
      'active',
      'primary/1',
      'active',
      'well',
      '30',
      '3',
      '0.5',
      'closed',
      '-',
      '-',
      '-',
      '77',
    ]);
    expect(rowOf(text, 'fallback')).toEqual(['fallback', 'standby (frozen)']);
  });

  test('has no rates where there was none before', () => {
    const text = shownAfter(2, [undefined, statusWith([workerAt('primary/1', { requests: 160 })])]);
    expect(text).toMatch(/^traffic {2}- requests\/s/m);
  });

  test('counts from nought for a worker that is new, or has come back into traffic', () => {
    const before = statusWith([workerAt('primary/1', { requests: 100 })]);
    const now = statusWith([workerAt('primary/1', { requests: 40 }), workerAt('primary/2', { requests: 20 })]);
    const text = shownAfter(2, [before, now]);
    expect(rowOf(text, 'primary/1')).toContain('20');
    expect(rowOf(text, 'primary/2')).toContain('10');
    expect(text).toMatch(/^traffic {2}30 requests/m);
  });

  test('shows the machine, the GPU and what each worker has of them', () => {
    const resources = {
      machine: {
        cores: 8,
        cpuShare: 0.257,
        load: [1, 0.5, 0.25],
        memory: { totalBytes: 64 * GIB, availableBytes: 16 * GIB },
      },
      workers: [{ id: 'primary/1', cores: 0.5, residentBytes: 300 * MIB, gpuMemoryBytes: 2_048 * MIB }],
      self: { cores: 0.03, residentBytes: 90 * MIB },
      gpu: {
        state: 'seen',
        devices: [
          { index: 0, name: 'Small', busyShare: 0.4, memoryUsedBytes: 3 * GIB, memoryTotalBytes: 8 * GIB },
          { index: 1, name: 'Mute' },
        ],
      },
    };
    const text = shownAfter(1, [undefined, statusWith([workerAt('primary/1', { requests: 0 })], { resources })]);
    expect(text).toContain(
      'machine  26 % of 8 cores busy, load 1.00 0.50 0.25, 16.0 GiB of 64.0 GiB memory available\n',
    );
    expect(text).toContain('gpu 0    Small: 40 % busy, 3.0 GiB of 8.0 GiB used\ngpu 1    Mute: - busy, - of - used\n');
    expect(text).toContain('proxy    0.03 cores, 90 MiB\n');
    expect(rowOf(text, 'primary/1').slice(-4)).toEqual(['0.50', '300 MiB', '2048 MiB', '77']);
  });
});

describe('the command', () => {
  const clock = new ManualClock();
  const client = { status: () => Promise.resolve(statusWith([workerAt('primary/1', { requests: 1 })])) };

  function terminalOf(kind: { isTTY?: boolean; columns?: number; rows?: number }) {
    let written = '';
    const onWrite: (() => void)[] = [];
    const stdout = {
      ...kind,
      write: (text: string) => {
        written += text;
        for (const tell of onWrite.splice(0)) tell();
        return true;
      },
    };
    const nextWrite = () => new Promise<void>((resolve) => onWrite.push(resolve));
    return { terminal: { stdout, stderr: stdout } as never, nextWrite, text: () => written };
  }

  test('draws on the other screen of a terminal, no wider or longer than that, until it is interrupted', async () => {
    const { terminal, nextWrite, text } = terminalOf({ isTTY: true, columns: 20, rows: 3 });
    const interrupt = new AbortController();
    const running = runTop(client, { intervalMs: 1_000, count: undefined, signal: interrupt.signal, clock }, terminal);
    await nextWrite();
    interrupt.abort();
    expect(await running).toBe(0);
    expect(text()).toBe(
      '\x1b[?1049h\x1b[?25l\x1b[Hmode     production\x1b[K\ntraffic  - requests/\x1b[K\n\x1b[K\x1b[J\x1b[?25h\x1b[?1049l',
    );
  });

  test('is drawn whole where a terminal does not know its size', async () => {
    const { terminal, nextWrite, text } = terminalOf({ isTTY: true, columns: 0, rows: 0 });
    const interrupt = new AbortController();
    const running = runTop(client, { intervalMs: 1_000, count: undefined, signal: interrupt.signal, clock }, terminal);
    await nextWrite();
    interrupt.abort();
    await running;
    expect(text()).toContain('primary/1');
  });

  test('leaves what was asked for by number on the terminal', async () => {
    const { terminal, nextWrite, text } = terminalOf({ isTTY: true });
    const signal = new AbortController().signal;
    const running = runTop(client, { intervalMs: 1_000, count: 1, signal, clock }, terminal);
    while (clock.pendingTimers === 0) await Promise.resolve();
    clock.advance(1_000);
    await nextWrite();
    await running;
    expect(text()).toMatch(/^mode/);
  });

  test('gives the screen back when no instance is there any more', async () => {
    const { terminal, text } = terminalOf({ isTTY: true });
    const lost = { status: () => Promise.reject(new Error('no running instance')) };
    const options = { intervalMs: 1_000, count: undefined, signal: new AbortController().signal, clock };
    await expect(runTop(lost, options, terminal)).rejects.toThrow('no running instance');
    expect(text()).toMatch(/\[\?1049l$/);
  });
});
