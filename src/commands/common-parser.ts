// What all commands have in common on the command line: the flags that find an instance, the refusal of whatever nobody
// would read, and mistakes told in our own words. cli.ts adds the commands.

import yargs from 'yargs';
import { errorMessage } from '../core/errors.js';
import { packageVersion } from '../version.js';
import { parsePortFlag } from './flag-values.js';
import { refuseRepeated, refuseStrayWords } from './stray-words.js';
import { usageError } from './usage-error.js';

export type CommonParser = ReturnType<typeof commonParser>;

/** Knows no command yet. */
export function commonParser(args: readonly string[]) {
  return (
    yargs([...args])
      .scriptName('understudy')
      .usage('$0 <command>\n\nA reverse-proxy load balancer with a dynamic pool and a warm standby.')
      .parserConfiguration({ 'populate--': true, 'boolean-negation': true })
      .option('config', {
        type: 'string',
        describe: 'config file (default: understudy.yaml here, if any)',
        requiresArg: true,
      })
      .option('port', { type: 'string', describe: 'front port, of the instance to start or to ask', requiresArg: true })
      .option('admin-port', {
        type: 'string',
        describe: 'admin port, of the instance to start or to ask',
        requiresArg: true,
      })
      // Not yargs' own number: it makes NaN of a word, and the word is lost.
      .coerce('port', (text: unknown) => parsePortFlag('--port', text))
      .coerce('admin-port', (text: unknown) => parsePortFlag('--admin-port', text))
      .version(packageVersion)
      .completion('completion-words', false)
      .epilogue(
        'Exit codes: 0 done, 1 failed, 2 usage or config error, 3 no instance runs; validate exits as its command does.',
      )
      .strict()
      .middleware((argv) => refuseStrayWords(argv), true)
      .middleware((argv) => refuseRepeated(argv), true)
      .exitProcess(false)
      .wrap(100)
      .fail((message, error) => {
        throw isForeign(error) ? usageError(parserText(errorMessage(error ?? message))) : error;
      })
  );
}

/** No error at all, or one of yargs: what it could not read is the caller's mistake, not a defect of ours. */
function isForeign(error: Error | undefined): boolean {
  return error === undefined || error.name === 'YError';
}

function parserText(message: string): string {
  const flag = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (flag === undefined) return `${message.replace(/\.$/, '')}. See 'understudy --help'.`;
  return `${flag.length === 1 ? '-' : '--'}${flag} needs a value. See 'understudy --help'.`;
}
