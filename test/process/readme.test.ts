// Every command of the README, run as it stands there: only ports, folders, placeholders and durations are this test's own.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CliProcess } from '../support/cli-process.js';
import { freePorts } from '../support/free-port.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const README = readFileSync(join(process.cwd(), 'README.md'), 'utf8');
const SCRIPTS = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts;
const SERVE = `
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
`;

const folder = mkdtempSync(join(tmpdir(), 'understudy-readme-'));
let instance: UnderstudyProcess;
/** The lease that was taken by the line before. */
let leaseId = '';

/** The command lines of all shell blocks, without their comments. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block.replace(/\\\n\s*/g, ''));
  return blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter(Boolean);
}

interface Finished {
  readonly stdout: string;
  readonly stderr: string;
}

/** By a shell, as a reader would. @throws with the output when it fails. */
function inShell(line: string): Promise<Finished> {
  const env = { ...process.env, ADMIN_SOCKET: join(instance.runtimeDir, 'admin.sock') };
  return promisify(execFile)('bash', ['-c', line], { cwd: folder, env });
}

function asCli(line: string, ...more: readonly string[]): string {
  const [, args = ''] = /^(?:npx )?understudy (.*)$/.exec(line)!;
  return [process.execPath, CLI_PATH, ...more, args].join(' ');
}

/** A command that stays: started beside our instance on ports of its own, until it is ready. */
async function runUntilReady(line: string): Promise<void> {
  const [frontPort, adminPort, ...ports] = await freePorts(5);
  const config = join(folder, 'run.json');
  const backends = ports.map((port, index) => ({ name: `backend-${index}`, port }));
  const own = { front: { port: frontPort }, admin: { port: adminPort }, runtimeDir: join(folder, 'run'), backends };
  writeFileSync(config, JSON.stringify(own));
  const [, args = ''] = /^understudy run (.*)$/.exec(line)!;
  const run = new CliProcess(['run', '--config', config, ...args.split(' ')], {}, { cwd: folder });
  await run.waitForOutput(/understudy is ready/);
  expect((await fetch(`http://127.0.0.1:${frontPort}/`)).status).toBe(200);
  run.signal('SIGINT');
  expect(await run.finish()).toMatchObject({ code: 0 });
}

const RUNNERS: readonly (readonly [RegExp, (line: string) => Promise<void>])[] = [
  [
    /^npm (?:run )?(start|test|ok|bench[:a-z]*)/,
    (line) => {
      const [, script = ''] = /^npm (?:run )?([a-z:]+)/.exec(line)!;
      expect(SCRIPTS).toHaveProperty([script]);
      return Promise.resolve();
    },
  ],
  [
    /^npm link$/,
    async (line) => {
      const prefix = join(folder, 'prefix');
      await promisify(execFile)('bash', ['-c', line], { env: { ...process.env, npm_config_prefix: prefix } });
      const { stdout } = await promisify(execFile)(join(prefix, 'bin', 'understudy'), ['--version']);
      expect(stdout).toMatch(/^\d+\.\d+\.\d+$/m);
    },
  ],
  [
    /^curl http/,
    async (line) =>
      expect((await inShell(`${line.replace(':9000', `:${instance.frontPort}`)} -sS`)).stdout).toMatch(/\{.*"port"/),
  ],
  [
    /^curl --unix-socket .* POST/,
    async (line) => {
      const { stdout } = await inShell(`${line} -sS --fail`);
      leaseId = (JSON.parse(stdout) as { id: string }).id;
    },
  ],
  [
    /^curl --unix-socket .* DELETE/,
    async (line) => void (await inShell(`${line.replace('lease-1a2b3c4d', leaseId)} -sS --fail`)),
  ],
  [/^understudy run /, (line) => runUntilReady(line)],
  [
    /^understudy (?:status|why|mode) ?/,
    async (line) => void (await inShell(asCli(line, '--config', instance.configPath))),
  ],
  // Without the config of our instance: on a machine where none runs yet, as the reader's is.
  [/^understudy doctor /, async (line) => expect((await inShell(asCli(line))).stdout).toMatch(/^ok +a worker runs/m)],
  [
    /^understudy validate /,
    async (line) => expect((await inShell(asCli(line, '--config', instance.configPath))).stdout).toMatch(/validated/),
  ],
  [
    /^understudy chaos /,
    async (line) => {
      const { stdout } = await inShell(asCli(line.replace('--for 1m', '--for 2s --yes')));
      expect(stdout).toMatch(/ 0 of these could have been saved/);
    },
  ],
  [
    /^npx understudy /,
    async (line) => {
      const own = line.replace('npx understudy', `npx understudy --config ${instance.configPath}`);
      await promisify(execFile)('bash', ['-c', own], { cwd: process.cwd() });
    },
  ],
];

beforeAll(async () => {
  copyFileSync(join(process.cwd(), 'examples', 'uvicorn', 'app.py'), join(folder, 'module.py'));
  writeFileSync(join(folder, 'serve.py'), SERVE);
  writeFileSync(join(folder, 'heavy_validation.py'), 'print("validated")\n');
  instance = await UnderstudyProcess.start({
    config: { command: uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn')) },
  });
}, 60_000);

afterAll(async () => {
  await instance.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('the README', () => {
  test.each(commandsOf(README))(
    'has a command that works: %s',
    async (line) => {
      const runner = RUNNERS.find(([pattern]) => pattern.test(line));
      if (runner === undefined) throw new Error(`nothing here runs this command of the README: ${line}`);
      await runner[1](line);
    },
    90_000,
  );
});
