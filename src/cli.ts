#!/bin/sh
//usr/bin/env true; exec node --min-semi-space-size=16 "$0" "$@"
// To Node the line above is a comment, to a shell it is Node with a flag that the engine takes at its start only; what for is in
// engine-tuning.ts. (`#!/usr/bin/env -S node --flag` would be plainer, but not everybody's env has -S: BusyBox's has not.)

// The command line: verbs and flags to one command each. Errors become one message and an exit code here, nowhere else.
// Long, because it is the list of all verbs and flags.

import { hideBin } from 'yargs/helpers';
import { locateInstance } from './admin/locate-instance.js';
import type { AdminClient } from './admin/admin-client.js';
import { runBackendAction } from './commands/backend-action.js';
import { normalizeBooleanFlags, refuseRepeatedBooleans } from './commands/boolean-flags.js';
import { runChaos } from './commands/chaos.js';
import { runCheck } from './commands/check.js';
import { interruptSignal, watchSignal } from './commands/command-signals.js';
import { commonParser, type CommonParser } from './commands/common-parser.js';
import { runCompletion } from './commands/completion.js';
import { describeError, EXIT, exitCodeOf } from './commands/exit-code.js';
import { parseCountFlag, parseHolderFlag, parseIntervalFlag, parseTtlFlag } from './commands/flag-values.js';
import { runInit } from './commands/init.js';
import { runLogs } from './commands/logs.js';
import { runMode, switchAndWait } from './commands/mode.js';
import { runReload } from './commands/reload.js';
import type { RunOptions } from './commands/run.js';
import { runStatus } from './commands/status.js';
import { runStop } from './commands/stop.js';
import { processTerminal as terminal } from './commands/terminal.js';
import { runTop } from './commands/top.js';
import { runUpgrade } from './commands/upgrade.js';
import { usageError } from './commands/usage-error.js';
import { runValidate } from './commands/validate.js';
import { runWhy } from './commands/why.js';
import { loadConfig, type ConfigFlags, type LoadedConfig } from './config/load-config.js';
import { runtimeDirsOf, runtimeParents } from './config/parse-config.js';
import { systemClock } from './core/clock.js';
import { errorCode, errorMessage, operatorError } from './core/errors.js';
import { SUCCESSOR_VARIABLE } from './upgrade/predecessor.js';

/** What every command that talks to an instance (or starts one) understands. */
interface CommonFlags {
  readonly config?: string;
  readonly port?: number;
  readonly adminPort?: number;
}

/** A running instance does not care whether anybody reads its output: it serves on without, and its exit code stays. */
let isInstance = false;
let outputIsLost = false;
// A reader that goes away (`| head`, a closed terminal) costs us our output, not the pool.
process.stderr.on('error', () => undefined);
process.stdout.on('error', noteLostOutput);
const exitCode = await main(hideBin(process.argv));
process.exitCode = outputIsLost && exitCode === EXIT.done ? EXIT.failed : exitCode;

/** On a full disk, say: whoever reads the file would take it for complete. May be called before `main` has ended, or after. */
function noteLostOutput(error: Error): void {
  const readerIsGone = errorCode(error) === 'EPIPE' || (process.stdout.isTTY && errorCode(error) === 'EIO');
  if (readerIsGone || isInstance || outputIsLost) return;
  outputIsLost = true;
  if (process.exitCode === EXIT.done) process.exitCode = EXIT.failed;
  terminal.stderr.write(`understudy: Cannot write the output: ${errorMessage(error)}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const finish = async (command: Promise<number>) => {
    exitCode = await command;
  };
  try {
    requireWorkingFolder();
    refuseRepeatedBooleans(args);
    await buildParser(normalizeBooleanFlags(args), finish).parseAsync();
  } catch (error) {
    terminal.stderr.write(`${describeError(error)}\n`);
    return exitCodeOf(error);
  }
  return exitCode;
}

/** Checked first, since yargs and most commands ask for it. */
function requireWorkingFolder(): void {
  try {
    process.cwd();
  } catch (error) {
    throw operatorError('no-working-folder', 'The folder that this was called in is gone; call it in another.', error);
  }
}

type Finish = (command: Promise<number>) => Promise<void>;

function buildParser(args: readonly string[], finish: Finish): CommonParser {
  const parser = commonParser(args);
  addInstanceCommands(parser, finish);
  addModeCommands(parser, finish);
  addLeaseCommands(parser, finish);
  addBackendCommands(parser, finish);
  addConfigCommands(parser, finish);
  addChaosCommand(parser, finish);
  return parser;
}

function addInstanceCommands(parser: CommonParser, finish: Finish): void {
  parser
    .command(
      'run',
      'start the pool and the proxy; your own command goes behind --',
      (run) =>
        run
          .option('host', {
            type: 'string',
            describe: 'front address; 0.0.0.0 opens it to the network',
            requiresArg: true,
          })
          .option('app', { type: 'string', describe: 'uvicorn app, as module:app', requiresArg: true })
          .option('validation', { type: 'boolean', describe: 'start in validation mode' })
          .option('watch', { type: 'boolean', default: false, describe: 'reload when the config file changes' })
          .option('keep-workers', {
            type: 'boolean',
            default: false,
            describe: 'SIGTERM leaves the workers running, for the next start to adopt',
          }),
      (argv) => finish(runInstance(configFlags(argv), { watch: argv.watch, keepWorkers: argv.keepWorkers })),
    )
    .command(
      '$0',
      false,
      (any) =>
        any.option('validation', {
          type: 'boolean',
          describe: 'switch to validation mode (start in it where none runs); --no-validation: back',
        }),
      (argv) => finish(switchOrStart(argv)),
    )
    .command(
      'status',
      'show the pool',
      (status) =>
        status.option('json', { type: 'boolean', default: false, describe: 'the whole document, for programs' }),
      (argv) => finish(withInstance(argv, (client) => runStatus(client, { json: argv.json }, terminal))),
    )
    .command(
      'top',
      'watch the pool: traffic, workers, CPU and memory as they go along',
      (top) =>
        top
          .option('interval', { type: 'string', default: '1s', describe: 'between two looks', requiresArg: true })
          .option('count', {
            type: 'string',
            describe: 'end after so many looks (down a pipe: 1)',
            requiresArg: true,
            coerce: (text: unknown) => (text === undefined ? undefined : parseCountFlag('--count', text)),
          }),
      (argv) => {
        const intervalMs = parseIntervalFlag('--interval', argv.interval);
        const count = argv.count ?? (terminal.stdout.isTTY === true ? undefined : 1);
        const options = { intervalMs, count, signal: watchSignal(), clock: systemClock };
        return finish(withInstance(argv, (client) => runTop(client, options, terminal)));
      },
    )
    .command(
      'logs [backend]',
      "show the workers' output",
      (logs) =>
        logs
          .positional('backend', { type: 'string', describe: 'its name, as status shows it' })
          .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on with what comes' }),
      (argv) =>
        finish(
          withInstance(argv, (client) => {
            const signal = watchSignal();
            return runLogs(client, { backend: argv.backend, follow: argv.follow, signal }, terminal);
          }),
        ),
    )
    .command(
      'why [backend]',
      'explain why a backend, or the pool, is as it is',
      (why) => why.positional('backend', { type: 'string', describe: 'its name, as status shows it' }),
      (argv) => finish(withInstance(argv, (client) => runWhy(client, argv.backend, terminal))),
    )
    .command(
      'reload',
      'read the config again and apply what changed, while traffic flows',
      (same) => same,
      (argv) => finish(withInstance({ ...argv, ofConfig: true }, (client) => runReload(client, terminal))),
    )
    .command(
      'upgrade',
      'hand over to a new process of the program as it is now, losing no request',
      (same) => same,
      (argv) => finish(withInstance(argv, (client) => runUpgrade(client, terminal))),
    )
    .command(
      'stop',
      'drain, stop the workers and end',
      (same) => same,
      (argv) => finish(withInstance(argv, (client) => runStop(client, terminal))),
    );
}

function addModeCommands(parser: CommonParser, finish: Finish): void {
  parser.command(
    'mode [name]',
    'show the mode, or switch to another',
    (mode) =>
      mode
        .positional('name', { type: 'string', describe: 'a mode of the config' })
        .option('wait', { type: 'boolean', default: false, describe: 'return once the pool has converged' })
        .option('dry-run', { type: 'boolean', default: false, describe: 'only print what the switch would do' }),
    (argv) =>
      finish(
        withInstance(argv, (client) =>
          runMode(client, { name: argv.name, wait: argv.wait, dryRun: argv.dryRun }, terminal),
        ),
      ),
  );
}

function addLeaseCommands(parser: CommonParser, finish: Finish): void {
  parser.command(
    'validate',
    'hold a mode while the command behind -- runs',
    (validate) =>
      validate
        .option('ttl', {
          type: 'string',
          default: '30s',
          describe: 'how long the lease outlives a holder that is gone',
          requiresArg: true,
        })
        .option('mode', { type: 'string', default: 'validation', describe: 'the mode to hold', requiresArg: true })
        .option('holder', { type: 'string', describe: 'who is shown as the holder', requiresArg: true }),
    (argv) => {
      const { mode } = argv;
      const holder = parseHolderFlag(argv.holder);
      const options = { mode, holder, ttlMs: parseTtlFlag(argv.ttl), command: afterDashes(argv) };
      return finish(withInstance(argv, (client) => runValidate(client, options, terminal)));
    },
  );
}

function addBackendCommands(parser: CommonParser, finish: Finish): void {
  const describe = {
    promote: 'bring a standby backend into traffic',
    drain: 'take a backend out of traffic',
    restart: 'restart the workers of a backend, or of every one in turn',
  } as const;
  for (const action of ['promote', 'drain', 'restart'] as const) {
    parser.command(
      `${action} [backend]`,
      describe[action],
      (options) => options.positional('backend', { type: 'string', describe: 'its name, as status shows it' }),
      (argv) =>
        finish(withInstance(argv, (client) => runBackendAction(client, { action, backend: argv.backend }, terminal))),
    );
  }
}

function addConfigCommands(parser: CommonParser, finish: Finish): void {
  parser
    .command(
      'check',
      'check the config and print every problem',
      (same) => same,
      (argv) => finish(runCheck({ flags: configFlags(argv) }, terminal)),
    )
    .command(
      'init',
      'write a commented understudy.yaml',
      (init) => init.option('force', { type: 'boolean', default: false, describe: 'overwrite' }),
      (argv) => finish(runInit({ path: argv.config ?? 'understudy.yaml', force: argv.force }, terminal)),
    )
    .command(
      'doctor',
      'look at this machine and at your command (behind --) for known traps',
      (doctor) =>
        doctor
          .option('app', { type: 'string', describe: 'uvicorn app, as module:app', requiresArg: true })
          .option('try', {
            type: 'boolean',
            default: true,
            describe: 'start one worker for a moment and ask its health path; --no-try leaves that out',
          }),
      async (argv) => {
        const { runDoctor } = await import('./commands/doctor.js');
        return finish(runDoctor({ flags: configFlags(argv), tryCommand: argv.try }, terminal));
      },
    )
    .command('completion', 'print a shell completion script', {}, () => finish(runCompletion(terminal)));
}

function addChaosCommand(parser: CommonParser, finish: Finish): void {
  parser.command(
    'chaos',
    'start your backends once more, break them under load, and tell what clients noticed',
    (chaos) =>
      chaos
        .option('for', { type: 'string', default: '30s', describe: 'how long', requiresArg: true })
        .option('path', { type: 'string', default: '/', describe: 'what the load asks for', requiresArg: true })
        .option('connections', {
          type: 'string',
          default: '8',
          describe: 'how many ask at once',
          requiresArg: true,
          coerce: (text: unknown) => parseCountFlag('--connections', text),
        })
        .option('app', { type: 'string', describe: 'uvicorn app, as module:app', requiresArg: true })
        .option('yes', { alias: 'y', type: 'boolean', default: false, describe: "don't ask first" }),
    (argv) => {
      const { for: duration, path, connections, yes } = argv;
      const options = { flags: configFlags(argv), duration, path, connections, yes, signal: interruptSignal() };
      return finish(runChaos(options, terminal));
    },
  );
}

interface RunArguments extends CommonFlags {
  readonly host?: string;
  readonly app?: string;
  readonly validation?: boolean;
  readonly '--'?: readonly (string | number)[];
}

function configFlags(argv: RunArguments): ConfigFlags {
  const command = afterDashes(argv);
  return {
    config: argv.config,
    host: argv.host,
    port: argv.port,
    adminPort: argv.adminPort,
    app: argv.app,
    validation: argv.validation,
    command: command.length === 0 ? undefined : command,
  };
}

function afterDashes(argv: CommonFlags & { readonly '--'?: readonly (string | number)[] }): readonly string[] {
  return (argv['--'] ?? []).map(String);
}

/** Finds the instance that the flags (or the config) mean and runs one command against it. */
async function withInstance(flags: InstanceFlags, command: (client: AdminClient) => Promise<number>): Promise<number> {
  return command(await clientFor(flags));
}

interface InstanceFlags extends CommonFlags {
  /** None but the one that was started with the config file. */
  readonly ofConfig?: boolean;
}

function clientFor({ config, port, adminPort, ofConfig = false }: InstanceFlags): Promise<AdminClient> {
  let loaded: LoadedConfig | undefined;
  const load = () => (loaded ??= loadConfig({ flags: { config, port } }));
  const configFile = () => {
    const { path, config: now } = load();
    // A port that was said is the word on which of several is meant.
    if (path === undefined || port !== undefined) return undefined;
    return { path, adminPort: now.admin.port, runtimeParents: runtimeParents(), required: ofConfig };
  };
  const adminHost = () => {
    try {
      return load().config.admin.host;
    } catch {
      // Whoever names a port can do without a config that is right.
      return undefined;
    }
  };
  return locateInstance({ adminPort, adminHost, runtimeDirs: () => runtimeDirsOf(load().config), configFile });
}

/** `understudy --validation` alone: switches the running instance, or starts one in that mode. */
async function switchOrStart(argv: RunArguments): Promise<number> {
  if (argv.validation === undefined) throw usageError("which command? See 'understudy --help'.");
  // Started by an upgrade, it takes over from the running instance instead of switching it.
  if (process.env[SUCCESSOR_VARIABLE] !== undefined) return runInstance(configFlags(argv));
  try {
    const client = await clientFor(argv);
    return await switchAndWait(client, argv.validation ? 'validation' : 'production', terminal);
  } catch (error) {
    if (errorCode(error) !== 'no-instance' || !argv.validation) throw error;
    return runInstance(configFlags(argv));
  }
}

/** Loaded when it is needed: the planes and their libraries cost every other command a third of a second. */
async function runInstance(flags: ConfigFlags, options: RunOptions = {}): Promise<number> {
  isInstance = true;
  const run = await import('./commands/run.js');
  return run.runInstance(flags, terminal, options);
}
