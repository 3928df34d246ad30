import { describe, expect, test } from '@jest/globals';
import { PRESSURE_ACTS, PressureLadder, type PressureStep } from '../../../pool/resources/pressure-ladder.js';
import { readingOf, type MemoryFacts } from '../../support/resource-readings.js';

const OPTIONS = { memoryFullPercent: 10, lowestAvailableShare: 0.04, relaxAfterMs: 30_000 };
const PRESSED = { memoryFull: 25 };
const CALM = { memoryFull: 0 };
const EVERY_ACT = () => true;

/** A sample every two seconds, as in the product. */
class Sampling {
  readonly ladder = new PressureLadder();
  #nowMs = 0;

  steps(facts: MemoryFacts, seconds: number, isPossible: (act: string) => boolean = EVERY_ACT): PressureStep[] {
    const steps: PressureStep[] = [];
    for (let passed = 0; passed < seconds; passed += 2) {
      this.#nowMs += 2_000;
      const look = { ...readingOf(facts, 0), nowMs: this.#nowMs };
      const step = this.ladder.note(look, { ...OPTIONS, gpuMemoryShare: 0.95 }, isPossible);
      if (step !== undefined) steps.push(step);
    }
    return steps;
  }
}

describe('under memory pressure', () => {
  test('acts are taken one by one, mildest first, and no more than there are', () => {
    const sampling = new Sampling();
    const taken = sampling.steps(PRESSED, 60);
    expect(taken.map(({ act }) => act)).toEqual(PRESSURE_ACTS);
    expect(taken.every(({ begun }) => begun)).toBe(true);
    expect(taken[0]!.evidence).toBe('for 25.0 % of the last 10 s everything waited for memory');
    expect(sampling.ladder.acts).toEqual(PRESSURE_ACTS);
  });

  test('each act is given time to show before the next one', () => {
    expect(new Sampling().steps(PRESSED, 6)).toHaveLength(2);
  });

  test('an act that would change nothing is passed over', () => {
    const isPossible = (act: string) => act !== 'sleep-standby' && act !== 'freeze-standby';
    expect(new Sampling().steps(PRESSED, 60, isPossible).map(({ act }) => act)).toEqual(['pause-starts', 'shed-batch']);
  });

  test('one act is taken back each time that it has been calm for long enough, the last one first', () => {
    const sampling = new Sampling();
    sampling.steps(PRESSED, 60);
    expect(sampling.steps(CALM, 30)).toEqual([]);
    const back = sampling.steps(CALM, 120);
    expect(back.map(({ act }) => act)).toEqual([...PRESSURE_ACTS].reverse());
    expect(back.every(({ begun }) => !begun)).toBe(true);
    expect(sampling.ladder.acts).toEqual([]);
  });

  test('nothing is taken, and nothing taken back, while it is neither pressed nor calm', () => {
    const sampling = new Sampling();
    sampling.steps(PRESSED, 2);
    expect(sampling.steps({ memoryFull: 8 }, 300)).toEqual([]);
    expect(sampling.ladder.acts).toEqual(['pause-starts']);
  });

  test.each<[string, MemoryFacts, string]>([
    ['too little RAM is available', { availableShare: 0.03 }, '3.0 % of the RAM is available'],
    ['the memory of a GPU is nearly full', { gpuUsedShare: 0.97 }, '3.0 % of the memory of GPU 0 is free'],
  ])('it is pressure when %s', (_what, facts, evidence) => {
    expect(new Sampling().steps(facts, 2)).toEqual([{ act: 'pause-starts', begun: true, evidence }]);
  });

  test('a machine that keeps no account of pressure, and a driver that fails, count for nothing', () => {
    expect(new Sampling().steps({}, 60)).toEqual([]);
  });
});
