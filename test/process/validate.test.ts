// `understudy validate` and leases against a running instance on real uvicorn.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { ownCpus } from '../../pool/resources/tree-priority.js';
import { readSessionNice } from '../../src/core/session-nice.js';
import type { LeaseStatus, StatusView } from '../../src/admin/status-view.js';
import { CliProcess } from '../support/cli-process.js';
import { CLI_PATH, processState, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const APP_FOLDER = join(process.cwd(), 'examples', 'uvicorn');

let instance: UnderstudyProcess;

function validate(...args: readonly string[]): CliProcess {
  return new CliProcess(['validate', '--config', instance.configPath, ...args]);
}

/** A program for the command: it can reach the admin API, and stays until it is told. */
function node(script: string): string[] {
  const prelude = `const status = async () => (await fetch('http://127.0.0.1:${instance.adminPort}/v1/status')).json();`;
  return [process.execPath, '--input-type=module', '-e', `${prelude}${script}`];
}

const STAY = `setInterval(() => {}, 1000); console.log('running as', process.pid);`;

function lease(body: unknown = {}): Promise<LeaseStatus> {
  return instance.admin.request<LeaseStatus>({ method: 'POST', path: '/v1/leases?wait=true', body });
}

function isProduction({ mode }: StatusView): boolean {
  return mode.converged && mode.current === 'production' && mode.leases.length === 0;
}

describe('on a running pool', () => {
  beforeAll(async () => {
    instance = await UnderstudyProcess.start({ config: { command: uvicornCommand('app:app', APP_FOLDER) } });
  });
  afterAll(() => instance.dispose());
  beforeEach(() => instance.waitForStatus(isProduction));

  describe('validate', () => {
    test("runs its command in the mode's shape and exits with its code, and production returns", async () => {
      const command = node(`console.log(JSON.stringify((await status()).mode)); process.exit(7);`);
      const { code, stdout } = await validate('--ttl', '20', '--', ...command).finish();
      expect(code).toBe(7);
      expect(JSON.parse(stdout)).toMatchObject({
        current: 'validation',
        converged: true,
        leases: [{ mode: 'validation', ttlMs: 20_000, holder: expect.stringContaining(process.execPath) }],
      });
      await instance.waitForStatus(isProduction);
    });

    test('renews its lease, and passes input and signals on, for as long as the command runs', async () => {
      const script = `${STAY} process.on('SIGTERM', () => process.exit(5)); process.stdin.on('data', (text) => console.log('read', String(text)));`;
      const running = validate('--ttl', '3s', '--holder', 'nightly build', '--', ...node(script));
      running.writeInput('a line');
      await running.waitForOutput(/read a line/);
      const [taken] = (await instance.status()).mode.leases;
      // Far more than the milliseconds by which two looks at one deadline may differ.
      const isRenewed = ({ mode }: StatusView) => (mode.leases[0]?.expiresAt ?? 0) > taken!.expiresAt + 100;
      await instance.waitForStatusChange(isRenewed);
      const { stdout } = await instance.command('status');
      expect(stdout).toMatch(/lease +validation is held by nightly build, runs out in \d+ s unless renewed/);
      running.signal('SIGTERM');
      expect((await running.finish()).code).toBe(5);
    });

    test('loses its lease after the ttl when it is killed, and production returns', async () => {
      const running = validate('--ttl', '1s', '--holder', 'the killed one', '--', ...node(STAY));
      const [, pid] = await running.waitForOutput(/running as (\d+)/);
      running.signal('SIGKILL');
      try {
        await instance.waitForEvent(({ cause }) => /the killed one did not renew.*ran out/.test(cause ?? ''));
        await instance.waitForStatus(isProduction);
      } finally {
        process.kill(Number(pid), 'SIGKILL');
        await running.finish();
      }
    });

    test('gives its lease back although signals come once its command has ended', async () => {
      // Stopped, the instance keeps it waiting at that.
      const script = `echo "running as $$"; kill -STOP ${instance.pid}; exit 3`;
      const held = validate('--', 'sh', '-c', script);
      const [, pid] = await held.waitForOutput(/running as (\d+)/);
      while (processState(Number(pid)) !== undefined) await setImmediate();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) held.signal(signal);
      instance.signal('SIGCONT');
      const { code, stderr } = await held.finish();
      expect(code).toBe(3);
      expect(stderr).toMatch(/lease on validation given back/);
      await instance.waitForStatus(isProduction);
    });

    test('says so with 126 and takes no lease when the command may not be executed', async () => {
      const { code, stderr } = await instance.command('validate', '--', instance.configPath);
      expect({ code, stderr }).toMatchObject({ code: 126, stderr: expect.stringContaining('may not be executed') });
    });

    test('says so with 127 and takes no lease when there is no such command', async () => {
      const { code, stderr } = await validate('--', 'no-such-program').finish();
      expect({ code, stderr }).toMatchObject({ code: 127, stderr: expect.stringContaining('no-such-program') });
      expect(isProduction(await instance.status())).toBe(true);
    });

    test.each([
      [['--ttl', '10ms', '--', 'true'], /--ttl: .*accepted: 1s to 24h/],
      [['--mode', 'holiday', '--', 'true'], /holiday.*production, validation/],
    ])('refuses %j with one clear error', async (args, says) => {
      const { code, stderr } = await validate(...args).finish();
      expect(stderr).toMatch(says);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(code).not.toBe(0);
    });
  });

  describe('several leases at once', () => {
    test('count: production returns with the last one', async () => {
      const [first, second] = [await lease({ holder: 'first' }), await lease({ holder: 'second' })];
      await expect(lease({ mode: 'production' })).rejects.toMatchObject({ code: 'lease-conflict' });
      await instance.admin.request({ method: 'DELETE', path: `/v1/leases/${first.id}?wait=true` });
      expect((await instance.status()).mode).toMatchObject({ current: 'validation', leases: [{ holder: 'second' }] });
      await instance.admin.request({ method: 'DELETE', path: `/v1/leases/${second.id}?wait=true` });
      expect(isProduction(await instance.status())).toBe(true);
    });
  });
});

describe('at a terminal', () => {
  /** Runs a shell's command there, and presses Ctrl-C once it says that it runs. */
  const AT_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])
while True:
    try: piece = os.read(terminal, 1000)
    except OSError: break
    if not piece: break
    os.write(1, piece)
    if b'at work' in piece: os.write(terminal, b'\\x03')
print('code', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
  /** Twice would come at once. */
  const COUNT = `let heard = 0;
    process.on('SIGINT', () => (heard += 1) === 1 && setTimeout(() => process.exit(40 + heard), 500));
    setInterval(() => {}, 1000); console.log('at ' + 'work');`;

  afterEach(() => instance.dispose());

  test('Ctrl-C reaches the command once, though its input is a file', async () => {
    instance = await UnderstudyProcess.start();
    const held = `"$NODE" -e "$COUNT" < /dev/null`;
    const command = `exec "$NODE" ${CLI_PATH} validate --config ${instance.configPath} -- ${held}`;
    const env = { ...process.env, NODE: process.execPath, COUNT };
    const child = spawn('/usr/bin/python3', ['-c', AT_TERMINAL, command], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(child.stdout)).toMatch(/code 41/);
  });
});

describe("the mode's priority for the job", () => {
  /** Some CPU that we may use, and not the first: affinity must have been set, not merely be there. */
  const cpu = ownCpus()!.split(/[,-]/).at(-1)!;

  beforeAll(async () => {
    const modes = {
      production: { active: 1, workers: 1 },
      validation: { active: 1, workers: 1, job: { nice: 7, io: 'idle', cpus: cpu } },
    };
    instance = await UnderstudyProcess.start({ config: { modes, command: uvicornCommand('app:app', APP_FOLDER) } });
  });
  afterAll(() => instance.dispose());

  const TELL = 'nice; ionice; grep Cpus_allowed_list /proc/self/status; cat /proc/self/autogroup';

  test('is what its command has, with all that it starts, and its session where the kernel weighs sessions', async () => {
    const args = ['validate', '--config', instance.configPath, '--', 'sh', '-c', TELL];
    const { code, stdout, stderr } = await new CliProcess(args, {}, { ownSession: true }).finish();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('could not be given') });
    const [nice, io, cpus, group] = stdout.trim().split('\n');
    expect({ nice, io, cpus }).toEqual({
      nice: String(Math.max(7, getPriority())),
      io: 'idle',
      cpus: `Cpus_allowed_list:\t${cpu}`,
    });
    if (readSessionNice(process.pid) !== undefined) expect(group).toMatch(/ nice 7$/);
  });

  test('is given back by its session at the end', async () => {
    const script = `"$0" ${CLI_PATH} validate --config ${instance.configPath} -- true; cat /proc/self/autogroup`;
    const shell = spawn('sh', ['-c', script, process.execPath], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const after = await text(shell.stdout);
    if (readSessionNice(process.pid) !== undefined) expect(after).toMatch(/ nice 0$/m);
  });

  test('leaves a session alone that the instance shares, and says so', async () => {
    const { stdout, stderr } = await validate('--', 'cat', '/proc/self/autogroup').finish();
    if (readSessionNice(process.pid) === undefined) return;
    expect(stderr).toMatch(/instance runs in this same session/);
    expect(stdout.trim()).toBe(readFileSync('/proc/self/autogroup', 'utf8').trim());
  });
});

describe('weights where no cgroup of its own is delegated to the instance', () => {
  afterEach(() => instance.dispose());

  test('are told once by the instance, by doctor and by validate, and everything else goes on', async () => {
    const priority = { weight: 300 };
    const modes = {
      production: { active: 2, workers: 1, priority },
      validation: { active: 1, workers: 1, standby: 1, priority, job: { weight: 20 } },
    };
    const command = uvicornCommand('app:app', APP_FOLDER);
    instance = await UnderstudyProcess.start({ config: { modes, command }, backendCount: 2 });
    const { stdout, stderr, code } = await validate('--', 'echo', 'it ran').finish();
    expect({ stdout, code }).toEqual({ stdout: 'it ran\n', code: 0 });
    expect(stderr).toMatch(/not be given all of its priority: weight 20: the instance has no cgroup of its own/);
    expect((await instance.command('doctor')).stdout).toMatch(/^warn +weight and pushOut have no effect: /m);
    await instance.waitForEvent(({ cause }) => cause === 'weight and pushOut have no effect here');
    const told = (instance.stdout + instance.stderr).match(/weight and pushOut have no effect here/g);
    expect(told).toHaveLength(1);
  });
});

describe('a switch that a lease asks for and that cannot be done', () => {
  afterEach(() => instance.dispose());

  test('leaves exactly the old processes, and the command is not run', async () => {
    const launcher = join(process.cwd(), 'test', 'fixtures', 'second-worker-fails.sh');
    const command = ['sh', launcher, '{worker}', ...uvicornCommand('app:app', APP_FOLDER)];
    instance = await UnderstudyProcess.start({ config: { command } });
    const before = await instance.workerPids();
    const { code, stdout, stderr } = await validate('--', 'echo', 'it ran').finish();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/starting (primary|secondary)\/2 failed.*stays in production.*no memory for a second one/s);
    expect(await instance.workerPids()).toEqual(before);
    expect(isProduction(await instance.status())).toBe(true);
  });
});
