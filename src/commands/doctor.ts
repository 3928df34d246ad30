// `understudy doctor`: looks at this machine and at the user's command for what is known to go wrong.

import { execa } from 'execa';
import { fillCommand, findPortHolder } from '../../pool/index.js';
import { AdminClient } from '../admin/admin-client.js';
import { socketIn } from '../admin/locate-instance.js';
import type { StatusView } from '../admin/status-view.js';
import { readCertificate } from '../config/certificate-files.js';
import { loadConfig, type ConfigFlags } from '../config/load-config.js';
import { runtimeDirsOf } from '../config/parse-config.js';
import { knowsGracefulTimeout, uvicornVersionOf, workerCommand } from '../config/worker-command.js';
import type { Config } from '../config/config.js';
import { systemCgroups } from '../core/cgroup.js';
import { systemClock } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import { freePorts } from '../core/free-ports.js';
import { EXIT } from './exit-code.js';
import { progressLine, type Terminal } from './terminal.js';
import { findCommandTraps, fixCommand, isUvicorn } from './command-traps.js';
import { comparePromises } from './promise-check.js';
import { checkWeights } from './weight-check.js';
import { tryHealthPath, type HealthTrial } from './health-trial.js';

export interface DoctorOptions {
  readonly flags: ConfigFlags;
  /** Start one worker for a moment and ask its health path. */
  readonly tryCommand: boolean;
}

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;
const ONLY_DEMO: Finding = {
  level: 'warn',
  text: 'that is the bundled demo: the config names no app and no command; say --app module:app, or -- COMMAND ... {port}',
};
const SUPERVISED: Finding = {
  level: 'ok',
  text: 'uvicorn has no supervisor of its own with one worker: Understudy is it, and starts again what ends or hangs',
};
const MIN_FILE_DESCRIPTORS = 4096;
/** Where no start is ever too long. */
const LONGEST_TRIAL_MS = 300_000;
/** Those that renew certificates do so a month before, or when a third of their time is left. */
const RENEWAL_DUE_MS = 14 * 24 * 3_600_000;

/** Prints every finding; exit code 1 when something would keep Understudy from running. */
export async function runDoctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const { config } = loadConfig({ flags: options.flags });
  const running = await statusOfRunning(config);
  const findings = [
    ...examineCommand(config),
    ...(running === undefined ? await examinePorts(config) : examineRunning(running, config)),
    ...(running === undefined ? checkWeights(config, { places: systemCgroups }) : []),
    ...examineCertificate(config, systemClock.epochNow()),
    ...(await examineFileDescriptors()),
    await examineGpu(),
  ];
  const taken = findings.some(({ level }) => level === 'fail');
  // Beside a running instance there may be no room for one more worker, and its own are proof enough.
  if (options.tryCommand && !taken && running === undefined) findings.push(await examineHealth(config, terminal));
  for (const { level, text } of findings) terminal.stdout.write(`${MARKS[level]}  ${text}\n`);
  return findings.some(({ level }) => level === 'fail') ? EXIT.failed : EXIT.done;
}

/** Undefined when none runs with this config. */
async function statusOfRunning(config: Config): Promise<StatusView | undefined> {
  const socketPath = await socketIn(runtimeDirsOf(config));
  return new AdminClient({ socketPath }).status().catch(() => undefined);
}

function examineRunning(status: StatusView, config: Config): Finding[] {
  const { pid } = status.instance;
  return [
    { level: 'ok', text: `an instance runs (pid ${pid}): its ports are its own, and no worker is tried beside it` },
    ...comparePromises(status, config.promises),
    ...checkWeights(config, { places: systemCgroups, instancePid: pid }),
  ];
}

function examineCommand(config: Config): Finding[] {
  try {
    const command = workerCommand(config);
    const traps = findCommandTraps(command, {
      upstreamIdleSeconds: config.deadlines.upstreamIdle / 1000,
      knowsGracefulTimeout: uvicornKnowsGracefulTimeout(command),
    });
    const fixed = fixCommand(command, traps);
    return [
      { level: 'ok', text: `a worker runs: ${command.join(' ')}` },
      ...(config.program.kind === 'demo' ? [ONLY_DEMO] : []),
      ...(isUvicorn(command) ? [SUPERVISED] : []),
      ...traps.map(({ text }): Finding => ({ level: 'warn', text })),
      ...(traps.length === 0 ? [] : [{ level: 'warn', text: `put right: ${fixed.join(' ')}` } as const]),
    ];
  } catch (error) {
    return [{ level: 'fail', text: errorMessage(error) }];
  }
}

/** Asked of the interpreter in the command, where there is one; the newest is assumed where it can't be asked. */
function uvicornKnowsGracefulTimeout([program = '']: readonly string[]): boolean {
  if (!/python[\d.]*$/.test(program)) return true;
  const version = uvicornVersionOf(program);
  return version === undefined || knowsGracefulTimeout(version);
}

function examineCertificate({ front: { tls } }: Config, now: number): Finding[] {
  if (tls === undefined) return [];
  try {
    const { validTo } = readCertificate(tls);
    const text = `the certificate in ${tls.cert} is valid until ${new Date(validTo).toISOString()}`;
    if (validTo <= now) return [{ level: 'fail', text: `${text}: clients refuse it` }];
    return [{ level: validTo - now < RENEWAL_DUE_MS ? 'warn' : 'ok', text }];
  } catch (error) {
    return [{ level: 'fail', text: errorMessage(error) }];
  }
}

async function examinePorts(config: Config): Promise<Finding[]> {
  const wanted = [
    { label: 'front', ...config.front },
    { label: 'admin', ...config.admin },
    ...config.backends.flatMap((backend) => ('port' in backend ? [{ label: backend.name, ...backend }] : [])),
  ];
  return Promise.all(
    wanted.map(async ({ label, host, port }): Promise<Finding> => {
      const holder = await findPortHolder(host, port);
      if (holder === undefined) return { level: 'ok', text: `port ${port} (${label}) is free` };
      return { level: 'fail', text: `port ${port} (${label}) is taken by ${holder}` };
    }),
  );
}

/** One worker on a port that nobody knows, for as long as its health path takes to answer. */
async function examineHealth(config: Config, terminal: Terminal): Promise<Finding> {
  const host = '127.0.0.1';
  const port = (await freePorts(1, { host }))[0]!;
  const facts = { host, port, name: 'doctor', worker: 1, workers: 1 };
  const line = progressLine(terminal);
  line.show(`starting one worker on port ${port} to ask its ${config.health.path}`);
  const trial = await tryHealthPath(
    fillCommand(workerCommand(config), facts),
    {
      cwd: config.cwd,
      env: config.env,
      url: `http://${host}:${port}${config.health.path}`,
      timeoutMs: config.startTimeout === 0 ? LONGEST_TRIAL_MS : config.startTimeout,
    },
    systemClock,
  );
  line.clear();
  return judgeTrial(trial, config);
}

function judgeTrial(trial: HealthTrial, { health }: Config): Finding {
  const { path, expectStatus } = health;
  if (trial.kind !== 'answered') return { level: 'fail', text: `one worker was tried, and ${trial.reason}` };
  const seconds = (trial.afterMs / 1000).toFixed(1);
  const answer = `GET ${path} answers ${trial.status}, ${seconds} s after the start of a worker`;
  const isReady = expectStatus === undefined ? trial.status < 500 : trial.status === expectStatus;
  if (!isReady) return { level: 'fail', text: `${answer}: it would never count as ready` };
  if (trial.status === 404) {
    return { level: 'warn', text: `${answer}: the app has no such path; health.path should name one that tells` };
  }
  return { level: 'ok', text: answer };
}

async function examineFileDescriptors(): Promise<Finding[]> {
  const { stdout } = await execa('sh', ['-c', 'ulimit -n'], { reject: false });
  const limit = Number(stdout);
  if (stdout === 'unlimited' || limit >= MIN_FILE_DESCRIPTORS)
    return [{ level: 'ok', text: `file descriptors: ${stdout}` }];
  return [
    {
      level: 'warn',
      text: `only ${stdout} file descriptors: raise it (ulimit -n ${MIN_FILE_DESCRIPTORS}) for many clients`,
    },
  ];
}

async function examineGpu(): Promise<Finding> {
  const result = await execa('nvidia-smi', ['-L'], { reject: false, timeout: 5_000 });
  if (result.exitCode === 0 && result.stdout !== '')
    return { level: 'ok', text: `GPU: ${result.stdout.split('\n')[0]}` };
  return { level: 'warn', text: 'no GPU seen (nvidia-smi does not answer); GPU readings will be missing' };
}
