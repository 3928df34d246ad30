// `understudy chaos`: starts the user's backends a second time, breaks them in every way it knows under load, and tells
// what clients noticed. Exit code 1 when a request failed that could have been saved.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { acts } from '../chaos/acts.js';
import type { ChaosReport } from '../chaos/chaos-account.js';
import { runActs } from '../chaos/chaos-run.js';
import { RehearsalInstance } from '../chaos/rehearsal-instance.js';
import type { Config } from '../config/config.js';
import { loadConfig, type ConfigFlags } from '../config/load-config.js';
import { parseDuration } from '../config/quantities.js';
import { systemClock } from '../core/clock.js';
import { systemRandom } from '../core/random.js';
import { EXIT } from './exit-code.js';
import { progressLine, type Terminal } from './terminal.js';
import { renderTable } from './text-table.js';
import { usageError } from './usage-error.js';

export interface ChaosCommandOptions {
  readonly flags: ConfigFlags;
  /** As `30s`. */
  readonly duration: string;
  readonly path: string;
  readonly connections: number;
  /** Don't ask. */
  readonly yes: boolean;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** @throws UnderstudyError `usage` for a bad duration, no consent, or nothing to break. */
export async function runChaos(options: ChaosCommandOptions, terminal: Terminal): Promise<number> {
  if (!options.path.startsWith('/')) throw usageError(`--path ${options.path}: --path must start with /`);
  const { config } = loadConfig({ flags: options.flags });
  const forMs = parseDuration(options.duration);
  if (forMs === undefined || forMs <= 0) throw usageError(`--for ${options.duration}: accepted: 30s, 5m, ...`);
  if (!config.backends.some((backend) => 'port' in backend)) {
    throw usageError('no backend here is started by Understudy: there is nothing that chaos may break');
  }
  if (!options.yes) await askConsent(config, { terminal, signal: options.signal });
  const folder = mkdtempSync(join(tmpdir(), 'understudy-chaos-'));
  try {
    const report = await rehearse({ ...options, config, forMs, folder }, terminal);
    terminal.stdout.write(renderReport(report));
    return report.avoidable === 0 ? EXIT.done : EXIT.failed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Asking {
  readonly terminal: Terminal;
  /** Takes it for a no. */
  readonly signal: AbortSignal;
}

async function askConsent({ backends }: Config, { terminal, signal }: Asking): Promise<void> {
  const what = `chaos starts your workers a second time (${backends.length} backends, with the memory they need), and kills, stops and breaks those; a running instance is left alone`;
  if (!process.stdin.isTTY) throw usageError(`${what}. Say --yes if that is fine.`);
  const prompt = createInterface({ input: process.stdin, output: terminal.stderr });
  // While it reads keys, the terminal makes no signal of a Ctrl-C.
  const refused = new AbortController();
  prompt.once('SIGINT', () => refused.abort());
  const answer = await prompt
    .question(`${what}. Go on? [y/N] `, { signal: AbortSignal.any([signal, refused.signal]) })
    .catch(() => 'n')
    .finally(() => prompt.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw usageError('nothing was done');
}

interface Rehearsal extends ChaosCommandOptions {
  readonly config: Config;
  readonly forMs: number;
  readonly folder: string;
}

async function rehearse(options: Rehearsal, terminal: Terminal): Promise<ChaosReport> {
  const { config, folder, path } = options;
  const modes = Object.keys(config.modes);
  // Where there is a standby, there is more to see.
  const mode = modes.find((name) => config.modes[name]!.standby > 0) ?? config.mode;
  const line = progressLine(terminal);
  line.show('starting the backends');
  const instance = await RehearsalInstance.start({ config, mode, folder, signal: options.signal });
  try {
    return await runActs({
      instance,
      folder,
      modes,
      acts: modes.length > 1 ? acts : acts.filter(({ name }) => name !== 'mode switch'),
      forMs: options.forMs,
      connections: options.connections,
      // Nothing but reading: a POST could change something of the user's.
      next: () => ({ method: 'GET', path }),
      clock: systemClock,
      random: systemRandom,
      signal: options.signal,
      onAct: (name) => line.show(`now: ${name}`),
    });
  } finally {
    line.show('stopping the backends');
    await instance.stop();
    line.clear();
  }
}

/** The account for people. */
export function renderReport(report: ChaosReport): string {
  const { requests, failed, avoidable, promotions, queuedP99Ms } = report;
  const rows = report.acts.map((act) =>
    [act.name, act.times, act.requests, act.failed, Math.round(act.slowestMs)].map(String),
  );
  return [
    renderTable(['fault', 'times', 'requests', 'failed', 'slowest ms'], rows),
    '',
    `requests    ${requests}, ${requests - failed} answered, ${failed} failed, ${avoidable} of these could have been saved`,
    `failures    ${countsText(report.causes)}`,
    `repeats     ${countsText(report.repeats)}`,
    `queued      99 % at most ${queuedP99Ms} ms`,
    `promotions  ${promotions.length}${promotionTimes(report)}`,
    ...report.acts.flatMap(({ name, refusal }) => (refusal === undefined ? [] : [`refused     ${name}: ${refusal}`])),
    '',
  ].join('\n');
}

function countsText(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'none';
  return [...counts].map(([cause, count]) => `${count} ${cause}`).join(', ');
}

function promotionTimes({ promotions }: ChaosReport): string {
  if (promotions.length === 0) return '';
  const routed = worst(promotions.map(({ routedMs }) => routedMs));
  const proven = worst(promotions.flatMap(({ provenMs }) => provenMs ?? []));
  return `, routed within ${routed} ms, first answer within ${proven} ms`;
}

function worst(durationsMs: readonly number[]): string {
  return durationsMs.length === 0 ? '?' : Math.max(...durationsMs).toFixed(1);
}
