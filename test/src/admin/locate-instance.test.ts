import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketIn } from '../../../src/admin/locate-instance.js';

let folder: string;
let places: readonly string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-locate-'));
  places = ['likeliest', 'other'].map((name) => join(folder, name));
  for (const place of places) mkdirSync(place);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['the likeliest place where none is there', [], 0],
  ['the likeliest place where both are there', [0, 1], 0],
  ['the other place where only that one is there', [1], 1],
])('an instance is looked for in %s', (_what, there, expected) => {
  for (const index of there) writeFileSync(join(places[index]!, 'admin.sock'), '');
  expect(socketIn(places)).toBe(join(places[expected]!, 'admin.sock'));
});
