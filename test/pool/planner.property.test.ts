// The planner's promises over random configurations, states and orders of events. The model throws at the step that
// breaks one; the seed that jest prints repeats it.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backendOf, workerId } from '../../pool/modes.js';
import type { ObservedWorker } from '../../pool/observed.js';
import type { ModeOptions, PoolOptions, Temperature } from '../../pool/options.js';
import { observed, planOptions } from '../support/observed-workers.js';
import { PoolModel, type ModelEvent } from '../support/pool-model.js';

const MAX_WORKERS = 3;

const temperature = fc.constantFrom<Temperature>('hot', 'frozen', 'asleep', 'cold');

const modeOf = (backends: number): fc.Arbitrary<ModeOptions> =>
  fc
    .record({
      active: fc.integer({ min: 1, max: backends }),
      workers: fc.integer({ min: 1, max: MAX_WORKERS }),
      temperature,
    })
    .chain((mode) =>
      fc.record({
        active: fc.constant(mode.active),
        workers: fc.constant(mode.workers),
        temperature: fc.constant(mode.temperature),
        standby: fc.integer({ min: 0, max: backends - mode.active }),
        standbyWorkers: fc.integer({ min: 1, max: 2 }),
      }),
    );

const poolOptions: fc.Arbitrary<PoolOptions> = fc.integer({ min: 1, max: 4 }).chain((count) =>
  fc.record({ one: modeOf(count), two: modeOf(count), three: modeOf(count) }).map((modes) => ({
    ...planOptions,
    backends: Array.from({ length: count }, (_, index) => ({
      name: `b${index}`,
      host: '127.0.0.1',
      port: 9_000 + index,
    })),
    modes,
    initialMode: 'one',
  })),
);

const event: fc.Arbitrary<ModelEvent> = fc.record({
  kind: fc.constantFrom<ModelEvent['kind']>(
    'exit',
    'start-fails',
    'becomes-ready',
    'drained',
    'stopped',
    'unusable',
    'usable',
    'mode',
    'restart',
    'steady',
    'hook-done',
    'hook-fails',
    'rehearsed',
  ),
  pick: fc.nat(20),
});

const anyState = fc.record({
  state: fc.constantFrom<ObservedWorker['state']>(
    'off',
    'starting',
    'active',
    'standby',
    'draining',
    'stopping',
    'failed',
  ),
  ready: fc.boolean(),
  usable: fc.boolean(),
  frozen: fc.boolean(),
  asleep: fc.boolean(),
  changing: fc.boolean(),
  sleepless: fc.boolean(),
  outdated: fc.boolean(),
});

function slotsOf(options: PoolOptions): string[] {
  const numbers = Array.from({ length: MAX_WORKERS }, (_, index) => index + 1);
  return options.backends.flatMap(({ name }) => numbers.map((number) => workerId(name, number)));
}

const anywhere = poolOptions.chain((options) => {
  const ids = slotsOf(options);
  return fc
    .tuple(fc.constant(options), fc.array(anyState, { minLength: ids.length, maxLength: ids.length }))
    .map(([chosen, states]) => ({
      options: chosen,
      workers: states.map((facts, index) =>
        coherent(observed(ids[index]!, { backend: backendOf(ids[index]!), ...facts })),
      ),
    }));
});

/** Facts that a state does not have are not observed in it. */
function coherent(worker: ObservedWorker): ObservedWorker {
  const { state } = worker;
  const asleep = worker.asleep && state === 'standby';
  const changing = worker.changing && asleep;
  return {
    ...worker,
    ready: worker.ready && (state === 'starting' || state === 'draining' || changing),
    usable: worker.usable && (state === 'active' || state === 'draining'),
    frozen: worker.frozen && state === 'standby' && !asleep,
    asleep,
    changing,
    outdated: worker.outdated && state !== 'off' && state !== 'failed',
    startable: state === 'off' || state === 'failed',
  };
}

test('the planner converges from any observed state', () => {
  fc.assert(
    fc.property(anywhere, ({ options, workers }) => {
      const model = new PoolModel(options, workers, 'one');
      expect(model.settle(200)).toBeLessThan(200);
    }),
    { numRuns: 2_000 },
  );
});

test('the planner keeps floor, budget and one drain at a time in any order of events, and converges after it', () => {
  fc.assert(
    fc.property(poolOptions, fc.array(event, { maxLength: 60 }), (options, events) => {
      const model = new PoolModel(
        options,
        slotsOf(options).map((id) => observed(id)),
        'one',
      );
      for (const each of events) model.handle(each);
      expect(model.settle(200)).toBeLessThan(200);
    }),
    { numRuns: 2_000 },
  );
});
