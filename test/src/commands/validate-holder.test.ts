import { expect, test } from '@jest/globals';
import { describeHolder } from '../../../src/commands/validate.js';

test('the holder of a script is one line without what would command a terminal', () => {
  expect(describeHolder(['sh', '-c', 'one\n\u001b[2Jtwo'])).toMatch(/: sh -c one {2}\[2Jtwo$/);
  for (const filler of ['', 'x']) expect(describeHolder([filler, '😀'.repeat(200)])).toMatch(/^\P{C}{1,200}$/u);
});
