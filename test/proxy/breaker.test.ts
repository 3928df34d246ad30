import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { defaultBreakerOptions, UpstreamBreaker, type BreakerState, type Outcome } from '../../proxy/breaker.js';

interface Setup {
  readonly last?: boolean;
  readonly random?: () => number;
}

function create({ last = false, random = () => 0.5 }: Setup = {}) {
  const seen: (BreakerState | 'spared')[] = [];
  const world = { last };
  const breaker = new UpstreamBreaker(defaultBreakerOptions, {
    random,
    mayOpen: () => !world.last,
    onChange: (state) => void seen.push(state),
    onSpared: () => void seen.push('spared'),
  });
  const request = async (outcome: Outcome) => {
    breaker.record(breaker.enter(), outcome);
    await settle();
  };
  const requests = async (outcomes: string) => {
    for (const letter of outcomes) await request(letter === 'F' ? 'failure' : letter === 'n' ? 'neutral' : 'success');
  };
  return { breaker, seen, world, request, requests };
}

/** Lets opossum's own promises run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a breaker trips', () => {
  test.each([
    ['on three failures in a row', 'FFF', 'open'],
    ['not on two', 'FF', 'closed'],
    ['not when a success comes between', 'FFsFF', 'closed'],
    ['not for requests that tell nothing', 'FFnnn', 'closed'],
    ['on three in a row even with neutral ones between', 'FnFnF', 'open'],
    ['on half of ten', 'sFsFsFsFsF', 'open'],
    ['not on half of nine', 'FsFsFsFsF', 'closed'],
    ['not below half', 'ssFsFsFssFsF', 'closed'],
  ] as const)('%s', async (_what, outcomes, expected) => {
    const { breaker, requests } = create();
    await requests(outcomes);
    expect(breaker.state).toBe(expected);
  });

  test('not for what happened longer ago than its window', async () => {
    const { breaker, requests } = create();
    await requests('FsFsFsF');
    jest.advanceTimersByTime(11_000);
    await requests('sFs');
    expect(breaker.state).toBe('closed');
  });

  test('in the turn of the third failure, without waiting for anything', () => {
    const { breaker, seen } = create();
    for (let index = 0; index < 3; index += 1) breaker.record(breaker.enter(), 'failure');
    expect(seen).toEqual(['open']);
  });

  test('at once when a connection is refused, last or not, and says that it was news', () => {
    const { breaker, seen } = create({ last: true });
    expect(breaker.trip()).toBe(true);
    expect(breaker.trip()).toBe(false);
    expect([breaker.admits, breaker.admitsInPanic, seen]).toEqual([false, false, ['open']]);
  });

  test('harder when it was open by failures and now refuses', async () => {
    const { breaker, requests } = create();
    await requests('FFF');
    expect(breaker.admitsInPanic).toBe(true);
    expect(breaker.trip()).toBe(true);
    expect(breaker.admitsInPanic).toBe(false);
  });
});

describe('an open breaker', () => {
  test('lets one probe through when its time is over, and closes on its success', async () => {
    const { breaker, requests, seen } = create();
    await requests('FFF');
    jest.advanceTimersByTime(999);
    expect(breaker.admits).toBe(false);
    jest.advanceTimersByTime(1);
    expect(breaker.admits).toBe(true);
    const era = breaker.enter();
    expect(breaker.admits).toBe(false);
    breaker.record(era, 'success');
    expect([breaker.state, breaker.admits, seen]).toEqual(['closed', true, ['open', 'half-open', 'closed']]);
  });

  test('lets another probe through when the first one told nothing', async () => {
    const { breaker, requests } = create();
    await requests('FFF');
    jest.advanceTimersByTime(1_000);
    breaker.record(breaker.enter(), 'neutral');
    expect([breaker.state, breaker.admits]).toEqual(['half-open', true]);
  });

  test('doubles its time with each failed probe up to the longest, and begins anew once it has closed', async () => {
    const { breaker, requests } = create();
    await requests('FFF');
    for (const openMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      jest.advanceTimersByTime(openMs - 1);
      expect(breaker.state).toBe('open');
      jest.advanceTimersByTime(1);
      expect(breaker.state).toBe('half-open');
      await requests('F');
    }
    jest.advanceTimersByTime(30_000);
    await requests('sFFF');
    jest.advanceTimersByTime(1_000);
    expect(breaker.state).toBe('half-open');
  });

  test.each([
    [0, 800],
    [0.75, 1_100],
  ])('spreads its time by chance: %d gives %i ms', async (chance, openMs) => {
    const { breaker, requests } = create({ random: () => chance });
    await requests('FFF');
    jest.advanceTimersByTime(openMs - 1);
    expect(breaker.state).toBe('open');
    jest.advanceTimersByTime(1);
    expect(breaker.state).toBe('half-open');
  });

  test('starts with a clean account when it closes', async () => {
    const { breaker, requests } = create();
    await requests('sFsFsFsFsF');
    jest.advanceTimersByTime(1_000);
    await requests('s');
    expect(breaker.state).toBe('closed');
    await requests('FF');
    expect(breaker.state).toBe('closed');
  });
});

describe('a late result', () => {
  test.each(['success', 'failure', 'neutral'] as const)(
    'of an earlier era changes no later one: %s',
    async (outcome) => {
      const { breaker, requests, seen } = create();
      const closedEra = breaker.enter();
      await requests('FFF');
      const openEra = breaker.enter();
      breaker.record(closedEra, outcome);
      expect(breaker.state).toBe('open');
      jest.advanceTimersByTime(1_000);
      for (const era of [closedEra, openEra]) breaker.record(era, outcome);
      await settle();
      expect([breaker.state, breaker.admits]).toEqual(['half-open', true]);
      const probe = breaker.enter();
      breaker.record(closedEra, outcome);
      expect(breaker.admits).toBe(false);
      breaker.record(probe, 'success');
      for (const era of [closedEra, openEra, probe, closedEra, openEra]) breaker.record(era, outcome);
      await settle();
      expect([breaker.state, seen]).toEqual(['closed', ['open', 'half-open', 'closed']]);
    },
  );

  test('of a request sent in panic does not close an open breaker', async () => {
    const { breaker, requests } = create();
    await requests('FFFs');
    expect(breaker.state).toBe('open');
  });
});

describe('the last usable upstream', () => {
  test.each([
    ['three in a row', 'FFFFFF'],
    ['half of ten', 'sFsFsFsFsFFsF'],
  ])('is spared at %s, said once, and said again when it does well', async (_what, outcomes) => {
    const { breaker, requests, seen } = create({ last: true });
    await requests(outcomes);
    expect([breaker.state, breaker.admits, seen[0]]).toEqual(['closed', true, 'spared']);
    seen.length = 0;
    await requests('FFFFss');
    expect(seen).toEqual(['closed']);
  });

  test('opens at its next failure once somebody else can take over', async () => {
    const { breaker, requests, world, seen } = create({ last: true });
    await requests('FFF');
    world.last = false;
    await requests('F');
    expect([breaker.state, seen]).toEqual(['open', ['spared', 'open']]);
  });
});

describe('an answer that begins well', () => {
  test('closes a half-open breaker at once, and how it ends counts as of any other request', async () => {
    const { breaker, requests } = create();
    await requests('FFF');
    jest.advanceTimersByTime(1_000);
    const era = breaker.enter();
    expect([breaker.state, breaker.admits]).toEqual(['half-open', false]);
    const since = breaker.vouch(era);
    expect([breaker.state, breaker.admits]).toEqual(['closed', true]);
    breaker.record(since, 'failure');
    await requests('F');
    expect(breaker.state).toBe('closed');
    await requests('F');
    expect(breaker.state).toBe('open');
  });

  test.each([
    ['as long as before twice over', 'failure', 2_000],
    ['as short as ever once one has come to a good end', 'success', 1_000],
  ] as const)('makes the next opening %s', async (_what, outcome, openMs) => {
    const { breaker, requests } = create();
    await requests('FFF');
    jest.advanceTimersByTime(1_000);
    breaker.record(breaker.vouch(breaker.enter()), outcome);
    await requests('FFF');
    jest.advanceTimersByTime(openMs - 1);
    expect(breaker.state).toBe('open');
    jest.advanceTimersByTime(1);
    expect(breaker.state).toBe('half-open');
  });

  test('says nothing for a breaker that opened meanwhile', async () => {
    const { breaker, requests } = create();
    const era = breaker.enter();
    await requests('FFF');
    jest.advanceTimersByTime(1_000);
    expect(breaker.vouch(era)).toBe(era);
    expect(breaker.state).toBe('half-open');
  });
});
