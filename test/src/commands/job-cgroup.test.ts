import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { joinJobGroup } from '../../../src/commands/job-cgroup.js';
import { FakeCgroups } from '../../support/fake-cgroups.js';

const INSTANCE = 4_200_000;
const UNIT = '/user.slice/understudy.service';
const TERMINAL = '/user.slice/terminal.scope';
const JOB = `${UNIT}/job-${process.pid}`;

let cgroups: FakeCgroups;

beforeEach(() => {
  cgroups = new FakeCgroups();
  cgroups.add(TERMINAL);
  cgroups.add(UNIT);
  cgroups.place(process.pid, TERMINAL);
  cgroups.place(INSTANCE, `${UNIT}/understudy-main`);
});

afterEach(() => cgroups.remove());

function joinFromTerminal() {
  return joinJobGroup(20, { places: cgroups, instancePid: INSTANCE });
}

test('a job is weighed beside the workers, and leaves for where it came from', () => {
  const group = joinFromTerminal();
  expect(cgroups.read(`${JOB}/cpu.weight`)).toBe('20');
  expect(cgroups.pidsIn(JOB)).toEqual([process.pid]);
  expect(group).toHaveProperty('leave');
  if ('leave' in group) group.leave();
  expect(cgroups.pidsIn(TERMINAL)).toEqual([process.pid]);
});

test('nothing is touched, and why is said, where the instance has no cgroup of its own', () => {
  cgroups.place(INSTANCE, UNIT);
  expect(joinFromTerminal()).toEqual({
    refused: 'weight 20: the instance has no cgroup of its own (its log says why)',
  });
  expect(existsSync(join(cgroups.mount, JOB))).toBe(false);
});

test('who may not be moved there stays, and why is said', () => {
  mkdirSync(join(cgroups.mount, JOB, 'cgroup.procs'), { recursive: true });
  expect(joinFromTerminal()).toEqual({
    refused: expect.stringMatching(/^weight 20: EISDIR \(from .*terminal.scope to .*job-/),
  });
});
