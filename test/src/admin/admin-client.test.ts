import { expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { notPermitted } from '../../../src/admin/admin-client.js';

test("another user's instance is told as such, with whose it is and what to do", () => {
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
  expect(notPermitted('/proc/1/admin.sock', cause)).toMatchObject({
    code: 'not-permitted',
    source: 'operator',
    message: expect.stringMatching(new RegExp(`\\(uid ${statSync('/proc/1').uid}\\).*sudo`)),
  });
});
