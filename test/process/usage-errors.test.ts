import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { normalizeBooleanFlags } from '../../src/commands/boolean-flags.js';
import { CLI_PATH, runCli, UnderstudyProcess } from '../support/understudy-process.js';

const YES_OR_NO = /accepted: true, false, yes, no, 1, 0/;

/** Nothing of these may start or ask anything: a process that stays would fail the test by its time. */
describe('a call that can not be followed exits with 2 and one line:', () => {
  test.each<[args: string, says: RegExp]>([
    ['--validation=maybe', /^understudy: --validation: 'maybe'/],
    ['run --keepWorkers=si', YES_OR_NO],
    ['logs -f=maybe', YES_OR_NO],
    ['chaos --yes=maybe', YES_OR_NO],
    ['run myapp:app', /unknown argument myapp:app; did you mean: understudy run --app myapp:app, or -- myapp:app\?/],
    ['run serve --port 1', /unknown argument serve; did you mean: understudy run -- serve\?/],
    ['doctor serve -- {port}', /unknown argument serve; did you mean: understudy doctor -- serve \{port\}\?/],
    ['chaos myapp:app --yes', /unknown argument myapp:app/],
    ['validate true', /unknown argument true; did you mean: understudy validate -- true\?/],
    ['mode -- production', /mode takes no command: nothing may follow --, such as production/],
    ['mode --dry-run', /--dry-run needs the name of a mode/],
    ['mode --wait', /--wait needs the name of a mode/],
    ['run --app', /--app needs a value/],
    ['run --port abc', /--port: 'abc' is not accepted; accepted: a port, 0 to 65535/],
    ['status --admin-port abc', /--admin-port: 'abc' is not accepted; accepted: a port/],
    ['status --admin-port 70000', /--admin-port: '70000' is not accepted/],
    ['status --config a --config b', /--config is given 2 times; accepted: once/],
    ['validate --ttl 30s --ttl 40s -- true', /--ttl is given 2 times/],
    ['validate --ttl 0 -- true', /--ttl: '0' is not accepted; accepted: 1s to 24h/],
    ['validate --ttl 25h -- true', /--ttl: '25h' is not accepted/],
    ['validate --ttl -- true', /--ttl needs a value/],
    ['validate --holder  -- true', /--holder: "" is not accepted; accepted: 1 to 200 characters/],
    ['validate --holder a\nb -- true', /--holder: "a\\nb" is not accepted/],
    [`validate --holder ${'x'.repeat(201)} -- true`, /--holder: "x+… is not accepted/],
    ['mode validation --dry-run --no-dry-run', /--dry-run and --no-dry-run are given together; accepted: one of them/],
    ['mode validation --no-dryRun --dry-run=true', /--no-dryRun and --dry-run=true are given together/],
    ['--no-validation --validation', /--no-validation and --validation are given together/],
    ['status --json --json', /--json is given 2 times; accepted: once/],
    ['chaos --yes --path foo', /--path must start with \//],
    ['chaos --for 1s', /Say --yes if that is fine/],
    ['chaos --connections many --yes', /--connections: 'many' is not accepted; accepted: a whole number/],
  ])('understudy %s', async (args, says) => {
    const { code, stdout, stderr } = await runCli(args.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

test('a call in a folder that is gone says so', async () => {
  const gone = mkdtempSync(join(tmpdir(), 'understudy-gone-'));
  const script = 'cd "$0" && rmdir "$0" && exec "$@"';
  const call = spawn('sh', ['-c', script, gone, process.execPath, CLI_PATH, 'check'], { stdio: 'pipe' });
  const output = Promise.all([text(call.stdout), text(call.stderr)]);
  expect(await once(call, 'exit')).toEqual([1, null]);
  expect(await output).toEqual([
    '',
    expect.stringMatching(/^understudy: The folder that this was called in is gone.*\n$/),
  ]);
});

describe('a flag that is on or off', () => {
  test('takes yes and no, and a command behind -- keeps its own', async () => {
    const instance = await UnderstudyProcess.start({ backendCount: 1 });
    try {
      const { folder } = instance;
      const modeAfter = async (flag: string) => {
        const finished = await runCli([flag, '--config', instance.configPath]);
        return [finished.code, (await instance.status()).mode.target];
      };
      expect(await modeAfter('--validation=yes')).toEqual([0, 'validation']);
      expect(await modeAfter('--validation=0')).toEqual([0, 'production']);
      expect(await modeAfter('--validation=1')).toEqual([0, 'validation']);
      expect(await modeAfter('--validation=No')).toEqual([0, 'production']);
      writeFileSync(join(folder, 'show.sh'), 'echo "$@"');
      const held = await instance.command('validate', '--', 'sh', join(folder, 'show.sh'), '--json=maybe');
      expect(held).toMatchObject({ code: 0, stdout: '--json=maybe\n' });
    } finally {
      await instance.dispose();
    }
  });

  test('is known to the check of its words when help shows it', async () => {
    for (const verb of ['run', 'mode', 'chaos', 'doctor', 'logs']) {
      const { stdout } = await runCli([verb, '--help']);
      const shown = [...stdout.replaceAll(/\n {20,}/g, ' ').matchAll(/--([a-z-]+) .*\[boolean\]/g)];
      expect(shown.length).toBeGreaterThan(2);
      for (const [, name] of shown) expect(() => normalizeBooleanFlags([`--${name}=maybe`])).toThrow(YES_OR_NO);
    }
  });
});
