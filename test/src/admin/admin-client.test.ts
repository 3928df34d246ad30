import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notPermitted } from '../../../src/admin/admin-client.js';

test("another user's instance is told as such, with whose it is and what to do", () => {
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
  expect(notPermitted('/proc/1/admin.sock', cause)).toMatchObject({
    code: 'not-permitted',
    source: 'operator',
    message: expect.stringMatching(new RegExp(`\\(uid ${statSync('/proc/1').uid}\\).*sudo`)),
  });
});

test('so it is where not even the owner of its folder can be seen', () => {
  const loop = mkdtempSync(join(tmpdir(), 'understudy-loop-'));
  const link = join(loop, 'self');
  symlinkSync(link, link);
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
  expect(notPermitted(join(link, 'admin.sock'), cause).message).toMatch(/\(uid unknown\).*sudo/);
  rmSync(loop, { recursive: true });
});
