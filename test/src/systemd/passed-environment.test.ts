import { describe, expect, test } from '@jest/globals';
import { environmentForSuccessor, takePassedEnvironment } from '../../../src/systemd/passed-environment.js';

const PID = 42;

describe('what systemd passes', () => {
  test('is read, and taken out of the environment that workers get', () => {
    const env = {
      PATH: '/bin',
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: '42',
      LISTEN_PID: '42',
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'front',
    };
    expect(takePassedEnvironment(env, PID)).toEqual({ notifySocket: '/run/notify', watchdogMs: 30_000, frontFd: 3 });
    expect(env).toEqual({ PATH: '/bin' });
  });

  test('is nothing where no service manager is', () => {
    const nothing = { notifySocket: undefined, watchdogMs: undefined, frontFd: undefined };
    expect(takePassedEnvironment({}, PID)).toEqual(nothing);
    expect(environmentForSuccessor(nothing)).toEqual({});
  });

  test('is not ours when it was meant for another process', () => {
    const env = { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7', LISTEN_PID: '7', LISTEN_FDS: '1' };
    expect(takePassedEnvironment(env, PID)).toMatchObject({ watchdogMs: undefined, frontFd: undefined });
  });

  test('is refused when it is more than one socket', () => {
    const env = { LISTEN_PID: '42', LISTEN_FDS: '2' };
    expect(() => takePassedEnvironment(env, PID)).toThrow(
      'systemd passes 2 sockets; accepted is one, for the front (ListenStream=).',
    );
  });

  test('goes on to a successor, but for whose pid it was', () => {
    const env = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' };
    expect(environmentForSuccessor(takePassedEnvironment(env, PID))).toEqual({
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '30000000',
    });
  });
});
