import { expect, test } from '@jest/globals';
import { fillCommand } from '../../pool/command-template.js';

const facts = { host: '127.0.0.1', port: 8_000, name: 'primary', worker: 2, workers: 4 };

test.each([
  [
    ['serve', '--port', '{port}'],
    ['serve', '--port', '8000'],
  ],
  [['{host}:{port}'], ['127.0.0.1:8000']],
  [['{name}-{worker}/{workers}'], ['primary-2/4']],
  [['{port}{port}'], ['80008000']],
  [
    ['{unknown}', '{}', '{ port }'],
    ['{unknown}', '{}', '{ port }'],
  ],
])('a command %j becomes %j', (command, filled) => {
  expect(fillCommand(command, facts)).toEqual(filled);
});

test('a filled part stays one argument when the value holds blanks and shell characters', () => {
  expect(fillCommand(['{name}'], { ...facts, name: 'a b; rm -rf $HOME' })).toEqual(['a b; rm -rf $HOME']);
});
