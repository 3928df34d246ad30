import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Outcome } from '../../proxy/breaker.js';
import { DispatchRig, type FakeRequest } from '../support/dispatch-rig.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const outcome = fc.constantFrom<Outcome>('success', 'failure', 'failure', 'neutral');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('request' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), index: fc.nat(30), outcome }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), index: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resize' as const), count: fc.integer({ min: 1, max: 3 }) }) },
);

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

test('breakers keep their rules over any order of requests, results, refusals and changes of the pool', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const rig = new DispatchRig({ capacity: 8 });
      const begun: FakeRequest[] = [];
      const refusedNow = new Set<string>();
      rig.onIncident = ({ id, kind }) => {
        if (kind === 'refused') refusedNow.add(id);
      };
      rig.route(2);
      for (const step of steps) {
        const before = rig.upstreams.eligible.map((upstream) => ({ upstream, state: upstream.breaker.state }));
        refusedNow.clear();
        if (step.kind === 'request') begun.push(rig.request());
        else if (step.kind === 'end') begun[step.index]?.ticket?.giveBack(step.outcome);
        else if (step.kind === 'wait') jest.advanceTimersByTime(step.ms);
        else if (step.kind === 'resize') rig.route(step.count);
        else {
          const upstream = rig.upstreams.eligible[step.index];
          if (upstream !== undefined) rig.upstreams.noteRefused(upstream);
        }
        await settle();
        const now = rig.upstreams.eligible;
        // Failures never open the last one that is closed.
        const opened = before.filter(({ upstream, state }) => state === 'closed' && upstream.breaker.state === 'open');
        const stillThere = opened.filter(({ upstream }) => now.includes(upstream) && !refusedNow.has(upstream.id));
        if (stillThere.length > 0)
          expect(before.some(({ state, upstream }) => state === 'closed' && upstream !== stillThere[0]!.upstream)).toBe(
            true,
          );
        // Only a probe that was sent in the half-open era closes a breaker.
        const closed = before.filter(
          ({ upstream, state }) => state !== 'closed' && upstream.breaker.state === 'closed',
        );
        if (closed.length > 0) {
          expect(step).toMatchObject({ kind: 'end', outcome: 'success' });
          expect(closed.map(({ state }) => state)).toEqual(['half-open']);
        }
        // Nobody waits while somebody can take a request.
        if (now.some((upstream) => upstream.available)) expect(rig.dispatcher.waiting).toBe(0);
        for (const upstream of now) expect(upstream.inflight).toBe(upstream.tickets().length);
      }
      for (const { ticket } of begun) ticket?.giveBack('neutral');
      rig.upstreams.dispose();
      for (const upstream of rig.upstreams.eligible) expect(upstream.inflight).toBe(0);
    }),
    { seed: 4, numRuns: 200 },
  );
});
