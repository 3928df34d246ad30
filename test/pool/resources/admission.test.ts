import { expect, test } from '@jest/globals';
import { judgeAdmission, type AdmissionFacts, type MemoryFacts } from '../../../pool/resources/admission.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

function memory(facts: Partial<MemoryFacts> = {}): MemoryFacts {
  return {
    expectedBytes: undefined,
    freeBytes: undefined,
    allowedBytes: undefined,
    usedBytes: 0,
    startingBytes: [],
    ...facts,
  };
}

function judge(facts: Partial<AdmissionFacts>) {
  return judgeAdmission({ ram: memory(), gpu: memory(), starting: 0, leaving: [], ...facts });
}

test('nothing limits the starts when nothing is known', () => {
  expect(judge({ ram: memory({ freeBytes: 10 }), gpu: memory({ freeBytes: 0 }) })).toEqual({
    starts: Infinity,
    passing: false,
  });
});

test('as many workers start as fit into what is free', () => {
  expect(judge({ ram: memory({ expectedBytes: 300 * MIB, freeBytes: 1_000 * MIB }) }).starts).toBe(3);
});

test('a refusal says what is needed and what there is', () => {
  const { starts, reason, passing } = judge({ ram: memory({ expectedBytes: 600 * MIB, freeBytes: 500 * MIB }) });
  expect({ starts, passing }).toEqual({ starts: 0, passing: false });
  expect(reason).toBe('a worker needs 600 MiB of RAM at its peak, but 500 MiB is free');
});

test('the budget limits before the machine does', () => {
  const ram = memory({ expectedBytes: 600 * MIB, freeBytes: 9 * GIB, allowedBytes: 1_000 * MIB, usedBytes: 500 * MIB });
  expect(judge({ ram }).reason).toBe(
    'a worker needs 600 MiB of RAM at its peak, but 500 MiB is left of the budget of 1000 MiB',
  );
});

test('what workers that start are going to take is not given twice', () => {
  const ram = memory({ expectedBytes: 300 * MIB, freeBytes: 700 * MIB, startingBytes: [100 * MIB, 50 * MIB] });
  expect(judge({ ram, starting: 2 })).toMatchObject({
    starts: 0,
    reason: expect.stringContaining('450 MiB of it promised'),
  });
});

test('the GPU limits when it is tighter than the RAM', () => {
  const ram = memory({ expectedBytes: 300 * MIB, freeBytes: 3_000 * MIB });
  const gpu = memory({ expectedBytes: 300 * MIB, freeBytes: 200 * MIB });
  expect(judge({ ram, gpu })).toMatchObject({ starts: 0, reason: expect.stringContaining('GPU memory') });
});

test('starts that load a model come one after the other', () => {
  const ram = memory({ expectedBytes: 2 * GIB, freeBytes: 64 * GIB });
  expect(judge({ ram }).starts).toBe(1);
  expect(judge({ ram, starting: 1 })).toMatchObject({ starts: 0, passing: true });
});

test('small starts do not wait for each other', () => {
  expect(judge({ ram: memory({ expectedBytes: 100 * MIB, freeBytes: 64 * GIB }), starting: 1 }).starts).toBeGreaterThan(
    1,
  );
});

test('a start waits for the memory of a process that is about to be gone', () => {
  const ram = memory({ expectedBytes: 100 * MIB, freeBytes: 64 * GIB });
  expect(judge({ ram, leaving: [77] })).toEqual({
    starts: 0,
    passing: true,
    reason: 'the memory of process 77 is not free yet',
  });
});
