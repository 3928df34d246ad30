// Weights of real processes in a cgroup tree of ordinary files: this is what is written, not what the kernel makes of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WorkerCgroups } from '../../../pool/resources/worker-cgroups.js';
import { FakeCgroups } from '../../support/fake-cgroups.js';

const UNIT = '/system.slice/understudy.service';
const MAIN = `${UNIT}/understudy-main`;

let cgroups: FakeCgroups;

beforeEach(() => {
  cgroups = new FakeCgroups();
});
afterEach(() => cgroups.remove());

describe('in a unit of our own', () => {
  let child: ChildProcess;
  let grandchild: number;

  beforeEach(async () => {
    const script = `
      const { pid } = require('node:child_process').spawn('sleep', ['1000'], { stdio: 'ignore' });
      process.send(pid);
      setInterval(() => undefined, 1000);
    `;
    child = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    [grandchild] = (await once(child, 'message')) as [number];
    cgroups.add(UNIT, { processes: [process.pid, child.pid!] });
    cgroups.place(process.pid, UNIT);
  });
  afterEach(() => void process.kill(-child.pid!, 'SIGKILL'));

  test('everybody in it makes room first, and the CPU is shared out among groups', () => {
    expect(new WorkerCgroups(cgroups).refused).toBeUndefined();
    expect(cgroups.pidsIn(MAIN)).toEqual([process.pid, child.pid]);
    expect(cgroups.read(`${UNIT}/cgroup.subtree_control`)).toBe('+cpu\n+memory');
  });

  test('a worker has a group of its own, with everything that it started, and its weight changes live', () => {
    const group = `${UNIT}/worker-${child.pid}`;
    const subject = new WorkerCgroups(cgroups);
    expect(subject.weigh(child.pid!, 400)).toBeUndefined();
    expect(cgroups.pidsIn(group)).toEqual([child.pid, grandchild]);
    expect(cgroups.read(`${group}/cpu.weight`)).toBe('400');
    expect(subject.weigh(child.pid!, 100)).toBeUndefined();
    expect(cgroups.read(`${group}/cpu.weight`)).toBe('100');
  });

  test('the groups of ended workers and jobs are taken away with the next worker', () => {
    for (const name of ['worker-1', 'job-2', 'kept']) mkdirSync(join(cgroups.mount, UNIT, name));
    new WorkerCgroups(cgroups).weigh(child.pid!, 50);
    const left = ['worker-1', 'job-2', 'kept'].filter((name) => existsSync(join(cgroups.mount, UNIT, name)));
    expect(left).toEqual(['kept']);
  });

  test('who is put into the inner group by systemd, or by an Understudy before, moves nobody', () => {
    const folder = cgroups.add(MAIN, { processes: [process.pid] });
    cgroups.add(UNIT);
    cgroups.place(process.pid, MAIN);
    expect(new WorkerCgroups(cgroups).weigh(child.pid!, 20)).toBeUndefined();
    expect(cgroups.pidsIn(MAIN)).toEqual([process.pid]);
    expect(existsSync(join(folder, 'understudy-main'))).toBe(false);
    expect(cgroups.read(`${UNIT}/worker-${child.pid}/cpu.weight`)).toBe('20');
  });

  describe('has its memory pushed out', () => {
    const MIB = 1024 ** 2;

    function inGroup(bytes?: number): { readonly subject: WorkerCgroups; readonly group: string } {
      const group = `${UNIT}/worker-${child.pid}`;
      const subject = new WorkerCgroups(cgroups);
      subject.weigh(child.pid!, 100);
      if (bytes !== undefined) writeFileSync(join(cgroups.mount, group, 'memory.current'), `${bytes}\n`);
      return { subject, group };
    }

    test('all of it, step by step', async () => {
      const { subject, group } = inGroup(70 * MIB);
      const result = await subject.pushOut(child.pid!, () => true);
      expect(result).toEqual({ beforeBytes: 70 * MIB, afterBytes: 70 * MIB });
      const asked = cgroups.read(`${group}/memory.reclaim`).split('\n').map(Number);
      expect(asked).toEqual([32 * MIB, 32 * MIB, 6 * MIB]);
    });

    test('no further once it is called back', async () => {
      const { subject, group } = inGroup(70 * MIB);
      await subject.pushOut(child.pid!, () => !existsSync(join(cgroups.mount, group, 'memory.reclaim')));
      expect(cgroups.read(`${group}/memory.reclaim`)).toBe(String(32 * MIB));
    });

    test('or it is said why not', async () => {
      const { subject, group } = inGroup();
      const pushOut = () => subject.pushOut(child.pid!, () => true);
      expect(await pushOut()).toEqual({
        refused: expect.stringMatching(/no memory controller \(Delegate=cpu memory\)/),
      });
      writeFileSync(join(cgroups.mount, group, 'memory.current'), '5');
      mkdirSync(join(cgroups.mount, group, 'memory.reclaim'));
      expect(await pushOut()).toEqual({ refused: expect.stringMatching(/^EISDIR/) });
      expect(await subject.pushOut(1, () => true)).toEqual({ refused: 'it has no cgroup of its own' });
    });
  });

  test('what the system refuses of one worker is said with the weight', () => {
    const subject = new WorkerCgroups(cgroups);
    mkdirSync(join(cgroups.mount, UNIT, `worker-${child.pid}`, 'cpu.weight'), { recursive: true });
    expect(subject.weigh(child.pid!, 400)).toMatch(/^weight 400: EISDIR/);
  });
});

describe('elsewhere', () => {
  function refusalIn(path: string): string | undefined {
    cgroups.place(process.pid, path);
    return new WorkerCgroups(cgroups).refused;
  }

  function expectUntouched(): void {
    expect(existsSync(join(cgroups.mount, UNIT, 'understudy-main'))).toBe(false);
  }

  test.each<[string, () => void, RegExp]>([
    ['the group is shared', () => cgroups.add(UNIT, { processes: [process.pid, 1] }), /is shared with process 1;/],
    ['the CPU is not delegated', () => cgroups.add(UNIT, { controllers: 'memory cpuset' }), /has no CPU controller/],
    ['there is no cgroup v2', () => rmSync(cgroups.mount, { recursive: true }), /there is no cgroup v2 at/],
  ])('nothing is touched, and the reason said with what it takes, where %s', (_what, prepare, reason) => {
    prepare();
    const refused = refusalIn(UNIT);
    expect(refused).toMatch(reason);
    expect(refused).toMatch(
      /it takes a unit of its own with 'Delegate=cpu memory' and DelegateSubgroup=understudy-main/,
    );
    expectUntouched();
  });

  test('the root of all cgroups is left alone', () => {
    expect(refusalIn('/')).toMatch(/is the root of all cgroups/);
    expectUntouched();
  });

  test('a group outside of what we can see is none', () => {
    expect(refusalIn('/../other')).toMatch(/there is no cgroup v2/);
  });

  test('a group that we may not divide is not ours', () => {
    const folder = cgroups.add(UNIT, { processes: [process.pid] });
    rmSync(join(folder, 'cgroup.subtree_control'));
    mkdirSync(join(folder, 'cgroup.subtree_control'));
    expect(refusalIn(UNIT)).toMatch(/is not ours to divide \(EISDIR\)/);
  });
});
