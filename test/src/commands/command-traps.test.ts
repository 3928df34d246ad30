import { describe, expect, test } from '@jest/globals';
import { findCommandTraps, fixCommand } from '../../../src/commands/command-traps.js';

const FACTS = { upstreamIdleSeconds: 4, knowsGracefulTimeout: true };

function putRight(command: string, facts = FACTS): string {
  const parts = command.split(' ');
  return fixCommand(parts, findCommandTraps(parts, facts)).join(' ');
}

describe('the traps of a command', () => {
  test('are taken out of a uvicorn command, all together', () => {
    expect(putRight('python3 -m uvicorn app:app --workers 4 --port {port} --reload')).toBe(
      'python3 -m uvicorn app:app --port {port} --timeout-keep-alive 75 --timeout-graceful-shutdown 10',
    );
  });

  test.each([
    ['an option written with =', 'uvicorn app:app --workers=4 --timeout-keep-alive=3 --timeout-graceful-shutdown=5'],
    ['one that is too short', 'uvicorn app:app --timeout-keep-alive 5 --timeout-graceful-shutdown=5'],
  ])('are found in %s', (_what, command) => {
    expect(putRight(command)).toBe('uvicorn app:app --timeout-graceful-shutdown=5 --timeout-keep-alive 75');
  });

  test('do not name an option that this uvicorn does not know', () => {
    expect(putRight('uvicorn app:app', { ...FACTS, knowsGracefulTimeout: false })).toBe(
      'uvicorn app:app --timeout-keep-alive 75',
    );
  });

  test("are gunicorn's too: it closes idle connections after 2 s", () => {
    expect(putRight('gunicorn app:app -b 127.0.0.1:{port}')).toBe(
      'gunicorn app:app -b 127.0.0.1:{port} --keep-alive 75',
    );
  });

  test.each(['node serve.js {port}', 'uvicorn app:app --timeout-keep-alive 75 --timeout-graceful-shutdown 10'])(
    'are not in %s',
    (command) => {
      expect(findCommandTraps(command.split(' '), FACTS)).toEqual([]);
    },
  );
});
