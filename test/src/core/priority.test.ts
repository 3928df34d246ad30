import { expect, test } from '@jest/globals';
import { prioritised, type Priority } from '../../../src/core/priority.js';

test.each<[string, Priority, string[]]>([
  ['nothing is asked for', {}, ['job', '-x']],
  [
    'all is asked for',
    { nice: 10, io: 'idle', cpus: '0-3' },
    'nice -n 10 ionice -c 3 taskset -c 0-3 job -x'.split(' '),
  ],
  ['nice is zero', { nice: 0 }, ['nice', '-n', '0', 'job', '-x']],
  ['the disk level is zero', { io: 0 }, 'ionice -c 2 -n 0 job -x'.split(' ')],
])('a command is prefixed right when %s', (_, priority, expected) => {
  expect(prioritised(['job', '-x'], priority)).toEqual(expected);
});
