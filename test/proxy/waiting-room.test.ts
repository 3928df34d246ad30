import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PRIORITIES, type Priority } from '../../proxy/priority.js';
import { WaitingRoom } from '../../proxy/waiting-room.js';
import { ManualClock } from '../support/manual-clock.js';

interface Guest {
  readonly name: string;
  readonly priority?: Priority;
}

function open(options: { capacity?: number; deadlineMs?: number } = {}) {
  const clock = new ManualClock();
  const late: string[] = [];
  const displaced: string[] = [];
  const room = new WaitingRoom<Guest>({ capacity: 4, deadlineMs: 1_000, ...options }, clock, {
    onDeadline: ({ name }) => void late.push(name),
    onDisplaced: ({ name }) => void displaced.push(name),
  });
  const order = () => {
    const names: string[] = [];
    room.serve(({ name }) => names.push(name) > 0);
    return names.join('');
  };
  return { clock, late, displaced, room, order };
}

const guest = (name: string, priority?: Priority): Guest => ({ name, priority });

describe('the waiting room', () => {
  test('serves within a class in order of arrival, and the more urgent class first', () => {
    const { room, order } = open({ capacity: 9 });
    for (const entry of [
      guest('x', 'batch'),
      guest('a'),
      guest('m', 'validation'),
      guest('b', 'live'),
      guest('y', 'batch'),
    ])
      room.tryEnter(entry);
    expect(order()).toBe('abmxy');
  });

  test('stops offering at the first that cannot be served', () => {
    const { room } = open();
    for (const name of ['a', 'b', 'c']) room.tryEnter(guest(name));
    const offered: string[] = [];
    room.serve(({ name }) => offered.push(name) < 2);
    expect(offered).toEqual(['a', 'b']);
  });

  test('is full at its capacity, and has a place again in the moment in which one leaves', () => {
    const { room } = open({ capacity: 1 });
    const first = guest('a');
    expect(room.tryEnter(first)).toBe(true);
    expect(room.tryEnter(guest('b'))).toBe(false);
    room.leave(first);
    room.leave(first);
    expect(room.size).toBe(0);
    expect(room.tryEnter(guest('c'))).toBe(true);
  });

  test('gives the place of the last and least urgent to a more urgent one when full', () => {
    const { room, displaced, order } = open({ capacity: 3 });
    for (const entry of [guest('x', 'batch'), guest('y', 'batch'), guest('m', 'validation')]) room.tryEnter(entry);
    expect(room.tryEnter(guest('a', 'live'))).toBe(true);
    expect(room.tryEnter(guest('z', 'batch'))).toBe(false);
    expect(room.tryEnter(guest('n', 'validation'))).toBe(true);
    expect(room.tryEnter(guest('o', 'validation'))).toBe(false);
    expect(displaced).toEqual(['y', 'x']);
    expect(order()).toBe('amn');
  });

  test('tells each at its own deadline, with one timer for all', () => {
    const { room, clock, late } = open();
    room.tryEnter(guest('x', 'batch'));
    clock.advance(400);
    room.tryEnter(guest('a', 'live'));
    expect(clock.pendingTimers).toBe(1);
    clock.advance(599);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(late).toEqual(['x']);
    clock.advance(400);
    expect(late).toEqual(['x', 'a']);
    expect([room.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  test('turns everybody away once when it is cleared', () => {
    const { room, clock, late } = open();
    room.tryEnter(guest('x', 'batch'));
    room.tryEnter(guest('a'));
    const away: string[] = [];
    room.clear(({ name }) => void away.push(name));
    clock.advance(10_000);
    expect([away, late, room.size, clock.pendingTimers]).toEqual([['a', 'x'], [], 0, 0]);
  });

  test('never holds more than its capacity, loses nobody and keeps the order, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('enter' as const), priority: fc.constantFrom(...PRIORITIES) }),
      fc.record({ kind: fc.constant('leave' as const), index: fc.nat(20) }),
      fc.record({ kind: fc.constant('serve' as const), count: fc.nat(3) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(700) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, late, displaced, room } = open({ capacity: 5 });
        const inside: Guest[] = [];
        const entered: string[] = [];
        const left: string[] = [];
        const forget = (name: string) =>
          inside.splice(
            inside.findIndex((one) => one.name === name),
            1,
          );
        const settle = () =>
          [...late.splice(0), ...displaced.splice(0)].forEach((name) => left.push(name) && forget(name));
        for (const step of steps) {
          if (step.kind === 'enter') {
            const newcomer = guest(`g${entered.length}`, step.priority);
            if (room.tryEnter(newcomer)) {
              entered.push(newcomer.name);
              inside.push(newcomer);
            } else entered.push('');
          } else if (step.kind === 'leave') {
            const leaver = inside[step.index];
            if (leaver !== undefined) {
              room.leave(leaver);
              left.push(leaver.name);
              forget(leaver.name);
            }
          } else if (step.kind === 'wait') clock.advance(step.ms);
          else {
            let left_ = step.count;
            room.serve((one) => {
              if (left_-- === 0) return false;
              const rank = ({ priority }: Guest) => PRIORITIES.indexOf(priority!);
              expect(inside.filter((other) => rank(other) < rank(one))).toEqual([]);
              expect(inside.find((other) => rank(other) === rank(one))).toBe(one);
              room.leave(one);
              left.push(one.name);
              forget(one.name);
              return true;
            });
          }
          settle();
          expect(room.size).toBe(inside.length);
          expect(room.size).toBeLessThanOrEqual(5);
        }
        const admitted = entered.filter((name) => name !== '');
        expect([...left, ...inside.map(({ name }) => name)].sort()).toEqual(admitted.sort());
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('a room in which those who are turned away come back at once, as pipelining clients do', () => {
  function openRevolving(options: { readonly capacity: number }) {
    const clock = new ManualClock();
    const told: string[] = [];
    const again = (waiter: Guest, word: string) => {
      told.push(`${waiter.name} ${word} ${clock.now()}`);
      if (waiter.name.length < 3) room.tryEnter(guest(`${waiter.name}'`, waiter.priority));
    };
    const room: WaitingRoom<Guest> = new WaitingRoom<Guest>({ deadlineMs: 1_000, ...options }, clock, {
      onDeadline: (waiter) => again(waiter, 'late'),
      onDisplaced: (waiter) => again(waiter, 'displaced'),
    });
    return { clock, told, room };
  }

  test("keeps to everybody else's deadline", () => {
    const { clock, told, room } = openRevolving({ capacity: 9 });
    const start = clock.now();
    room.tryEnter(guest('p'));
    clock.advance(100);
    room.tryEnter(guest('w'));
    clock.advance(1_000);
    expect(told).toEqual([`p late ${start + 1_000}`, `w late ${start + 1_100}`]);
  });

  test('gives the place that was made to whom it was made for', () => {
    const { told, room } = openRevolving({ capacity: 2 });
    for (const name of ['a', 'b']) room.tryEnter(guest(name, 'batch'));
    expect(room.tryEnter(guest('live'))).toBe(true);
    expect(room.size).toBe(2);
    expect(told.map((word) => word.split(' ')[0])).toEqual(['b']);
  });
});

describe('a room whose options change', () => {
  test('turns away as many as it takes for a more urgent one, and nobody where that is not enough', () => {
    const { room, displaced } = open({ capacity: 4 });
    for (const name of ['a', 'b', 'c']) room.tryEnter(guest(name, 'batch'));
    room.tryEnter(guest('l'));
    room.applyOptions({ capacity: 2, deadlineMs: 1_000 });
    expect(room.tryEnter(guest('m'))).toBe(true);
    expect(displaced).toEqual(['c', 'b', 'a']);
    expect(room.tryEnter(guest('n'))).toBe(false);
    expect(room.size).toBe(2);
  });

  test('keeps to a shorter deadline although a timer was for a longer one', () => {
    const { clock, room, late } = open({ deadlineMs: 30_000 });
    const first = guest('a');
    room.tryEnter(first);
    room.leave(first);
    room.applyOptions({ capacity: 4, deadlineMs: 2_000 });
    room.tryEnter(guest('b'));
    clock.advance(2_000);
    expect(late).toEqual(['b']);
  });
});
