// What becomes of workers that stand still, on real uvicorn: those that nothing but a new process helps are replaced,
// those that only look still are left alone.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openWebSocket, textFrame } from '../support/raw-websocket.js';
import { UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const WEDGED_AFTER_MS = 1_500;

let instance: UnderstudyProcess;

beforeAll(async () => {
  instance = await UnderstudyProcess.start({
    config: {
      command: uvicornCommand('waiting_app:app'),
      health: { wedgedAfter: WEDGED_AFTER_MS },
      stop: { grace: '300ms' },
    },
  });
}, 60_000);

afterAll(() => instance.dispose());

/** Resolves once all three serve and `lost` is none of them. */
async function waitForReplacement(lost: number): Promise<readonly number[]> {
  await instance.waitForStatus(({ backends }) => {
    const workers = backends.flatMap((backend) => backend.workers);
    return workers.every(({ state, pid }) => state === 'active' && pid !== lost);
  });
  return instance.workerPids();
}

describe('a worker', () => {
  test('is left alone while it computes, or has idle streams and WebSockets', async () => {
    const before = await instance.workerPids();
    const socket = await openWebSocket(instance.frontPort);
    const leave = new AbortController();
    const events = (await fetch(`${instance.url}/events`, { signal: leave.signal })).body!.getReader();
    await events.read();
    const burnt = await fetch(`${instance.url}/burn?ms=${3 * WEDGED_AFTER_MS}`, { method: 'POST' });
    expect(burnt.status).toBe(200);
    await socket.write(textFrame('still there')).waitFor(/still there/);
    expect(await instance.workerPids()).toEqual(before);
    socket.close();
    leave.abort();
  }, 60_000);

  test('is replaced when somebody else stops it', async () => {
    const before = await instance.workerPids();
    process.kill(before[0]!, 'SIGSTOP');
    const after = await waitForReplacement(before[0]!);
    expect(after.slice(1)).toEqual(before.slice(1));
  }, 60_000);

  test('is replaced when its requests wait in silence, although its health path answers', async () => {
    const before = await instance.workerPids();
    const answer = await fetch(`${instance.url}/wait`, { method: 'POST' });
    expect([answer.status, answer.headers.get('x-understudy-reason')]).toEqual([502, 'upstream-drained']);
    const wedged = await instance.waitForEvent(
      ({ cause, evidence }) => cause === 'it is wedged' && /no byte/.test(evidence ?? ''),
    );
    const index = ['primary/1', 'secondary/1', 'fallback/1'].indexOf(wedged.worker!);
    const after = await waitForReplacement(before[index]!);
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(2);
  }, 60_000);
});
