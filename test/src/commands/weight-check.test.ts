import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { checkWeights } from '../../../src/commands/weight-check.js';
import { parseConfig } from '../../../src/config/parse-config.js';
import { FakeCgroups } from '../../support/fake-cgroups.js';

const INSTANCE = 4_200_000;

let cgroups: FakeCgroups;

beforeEach(() => {
  cgroups = new FakeCgroups();
});
afterEach(() => cgroups.remove());

function check(priority: object, instancePid?: number): string[] {
  const config = parseConfig({ modes: { production: { active: 3, ...priority } } });
  return checkWeights(config, { places: cgroups, ...(instancePid === undefined ? {} : { instancePid }) }).map(
    ({ level, text }) => `${level} ${text}`,
  );
}

test('nothing is said where no mode speaks of either', () => {
  expect(check({ priority: { nice: 0 } }, INSTANCE)).toEqual([]);
});

test.each([
  ['workers', { priority: { weight: 200 } }],
  ['jobs', { job: { weight: 20 } }],
  ['nothing but pushes memory out', { pushOut: true }],
])('the group of the running instance is looked at where a mode weighs %s', (_what, priority) => {
  cgroups.place(INSTANCE, '/user.slice/terminal.scope');
  expect(check(priority, INSTANCE)).toEqual([expect.stringMatching(/^warn .*no cgroup of its own; it takes a unit/)]);
  cgroups.place(INSTANCE, '/system.slice/u.service/understudy-main');
  expect(check(priority, INSTANCE)).toEqual([expect.stringMatching(/^ok .*in .*\/system\.slice\/u\.service$/)]);
});

test('what it takes is said before there is an instance', () => {
  expect(check({ job: { weight: 20 } })).toEqual([expect.stringMatching(/^ok .*Delegate=cpu memory/)]);
});

test('a system without cgroup v2 is named', () => {
  rmSync(cgroups.mount, { recursive: true });
  expect(check({ job: { weight: 20 } })).toEqual([
    expect.stringMatching(/^warn weight and pushOut have no effect: there is no/),
  ]);
});
