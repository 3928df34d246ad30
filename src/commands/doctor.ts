// `understudy doctor`: looks at this machine and at the user's command for what is known to go wrong.

import { execa } from 'execa';
import { findPortHolder } from '../../pool/index.js';
import { loadConfig, type ConfigFlags } from '../config/load-config.js';
import { workerCommand } from '../config/worker-command.js';
import type { Config } from '../config/config.js';
import { errorMessage } from '../core/errors.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { findCommandTraps } from './command-traps.js';

export interface DoctorOptions {
  readonly flags: ConfigFlags;
}

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
}

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;
const MIN_FILE_DESCRIPTORS = 4096;

/** Prints every finding; exit code 1 when something would keep Understudy from running. */
export async function runDoctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const { config } = loadConfig({ flags: options.flags });
  const findings = [
    ...examineCommand(config),
    ...(await examinePorts(config)),
    ...(await examineFileDescriptors()),
    await examineGpu(),
  ];
  for (const { level, text } of findings) terminal.stdout.write(`${MARKS[level]}  ${text}\n`);
  return findings.some(({ level }) => level === 'fail') ? EXIT.failed : EXIT.done;
}

function examineCommand(config: Config): Finding[] {
  try {
    const command = workerCommand(config);
    const traps = findCommandTraps(command).map((trap): Finding => ({ level: 'warn', text: trap }));
    return [{ level: 'ok', text: `a worker runs: ${command.join(' ')}` }, ...traps];
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
