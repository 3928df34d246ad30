// From rounds to the origin's table: one row a figure, one column an option, the change from A to B, and what the origin
// stated for it.

import { median, quantile } from '../support/statistics.js';
import type { RoundResult } from './measure.js';

export type OptionName = 'A' | 'B' | 'C';

export interface FigureRow {
  readonly figure: string;
  readonly A: string;
  readonly B: string;
  readonly C: string;
  readonly 'B against A': string;
  readonly origin: string;
}

type Results = Readonly<Record<OptionName, readonly RoundResult[]>>;
type Pick = (round: RoundResult) => number | undefined;

const MIB = 1024 * 1024;

export function summarise(results: Results): readonly FigureRow[] {
  const medianOfA = median(results.A.map(({ latenciesMs }) => median(latenciesMs)));
  const row = (figure: string, unit: string, pick: Pick, origin = '') =>
    figureRow(results, { figure, unit, pick, origin });
  return [
    row('machine CPU under validation, mean', '%', (r) => mean(r.machineCpu) * 100, '75 % -> < 70 %'),
    row('machine CPU under validation, peak', '%', (r) => Math.max(...r.machineCpu) * 100, '100 % -> stable'),
    row("backends' CPU under validation", 'cores', (r) => r.backendCores),
    row("backends' memory", 'MiB', (r) => r.backendBytes / MIB, 'A 600, B and C 400'),
    row('memory of what stands in front', 'MiB', (r) => r.frontBytes / MIB),
    row('latency p50', 'ms', (r) => quantile(r.latenciesMs, 0.5), '50-100 -> 30-50 (-40 %)'),
    row('latency p95', 'ms', (r) => quantile(r.latenciesMs, 0.95)),
    row('latency p99', 'ms', (r) => quantile(r.latenciesMs, 0.99)),
    row(
      'spikes: above twice the own median',
      '%',
      (r) => above(r, 2 * median(r.latenciesMs)),
      'frequent -> rare (-80 %)',
    ),
    row('spikes: above twice the median of A', '%', (r) => above(r, 2 * medianOfA), 'frequent -> rare (-80 %)'),
    row('the job itself', 's', (r) => r.jobSeconds),
    row('failed requests under validation', '', (r) => r.failedUnderJob),
    row(
      'failed when both actives die',
      '% of requests',
      (r) => (r.failedAfterKill / r.sentAfterKill) * 100,
      'B: HA kept',
    ),
    row('recovery after that', 'ms', (r) => r.recoveryMs),
    row('processes', '', (r) => r.processes, 'A 6 workers, B 4 + 1, C 4'),
    row('GPU busy', '%', (r) => (r.gpuBusyShare === undefined ? undefined : r.gpuBusyShare * 100), '61 % -> 75 %'),
  ];
}

function figureRow(
  results: Results,
  { figure, unit, pick, origin }: { figure: string; unit: string; pick: Pick; origin: string },
): FigureRow {
  const value = (name: OptionName) => {
    const values = results[name].map(pick);
    return values.every((one) => one !== undefined) ? median(values) : undefined;
  };
  const [a, b, c] = [value('A'), value('B'), value('C')];
  const missing = figure.startsWith('recovery') ? 'never' : 'n/a';
  const text = (one: number | undefined) => (one === undefined ? missing : round(one));
  const change = a === undefined || b === undefined || a === 0 ? '' : `${signed(((b - a) / a) * 100)} %`;
  return {
    figure: unit === '' ? figure : `${figure}, ${unit}`,
    A: text(a),
    B: text(b),
    C: text(c),
    'B against A': change,
    origin,
  };
}

export function markdownTable(rows: readonly FigureRow[]): string {
  const columns = ['figure', 'A', 'B', 'C', 'B against A', 'origin'] as const;
  const lines = rows.map((row) => `| ${columns.map((column) => row[column]).join(' | ')} |`);
  return [`| ${columns.join(' | ')} |`, `| ${columns.map(() => '---').join(' | ')} |`, ...lines].join('\n');
}

function above({ latenciesMs }: RoundResult, limitMs: number): number {
  return (latenciesMs.filter((latency) => latency > limitMs).length / latenciesMs.length) * 100;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function signed(value: number): string {
  return value > 0 ? `+${value.toFixed(0)}` : value.toFixed(0);
}
