import { describe, expect, test } from '@jest/globals';
import { PowerOfTwo } from '../../proxy/balance/power-of-two.js';
import { defaultBreakerOptions } from '../../proxy/breaker.js';
import { targetFor } from '../support/proxy-rig.js';
import { DispatchRig, FakeRequest } from '../support/dispatch-rig.js';

describe('the dispatcher', () => {
  test('admits at once where somebody can take it, evenly', () => {
    const rig = new DispatchRig();
    rig.route(3);
    expect(Array.from({ length: 6 }, () => rig.request().place).sort()).toEqual([
      'a/1',
      'a/1',
      'b/1',
      'b/1',
      'c/1',
      'c/1',
    ]);
  });

  test('sends a repeat to one that has not failed it, and to one that has only when there is no other', () => {
    const rig = new DispatchRig();
    const [a, b] = rig.route(2);
    const repeat = rig.request();
    repeat.tried.push(a!);
    for (let index = 0; index < 3; index += 1) {
      rig.dispatcher.admit(repeat);
      expect(repeat.place).toBe('b/1');
    }
    repeat.tried.push(b!);
    rig.dispatcher.admit(repeat);
    expect(['a/1', 'b/1']).toContain(repeat.place);
  });

  test('lets nobody overtake those who wait, but for the more urgent', () => {
    const rig = new DispatchRig({ maxInflight: 1 });
    rig.route(1);
    const running = rig.request('live', 'first');
    rig.request('batch', 'batch');
    rig.request('live', 'live');
    rig.request('validation', 'validation');
    rig.request('live', 'late');
    running.ticket!.giveBack('success');
    for (let served = 2; served <= 5; served += 1) {
      const ticket = rig.upstreams.eligible[0]!.tickets()[0]!;
      expect(rig.served).toHaveLength(served);
      ticket.giveBack('success');
    }
    expect(rig.served).toEqual(['first', 'live', 'late', 'validation', 'batch']);
  });

  test('serves those who wait in the turn in which a standby is promoted, as far as it can take them', () => {
    const rig = new DispatchRig({ maxInflight: 2 });
    const waiting = [rig.request(), rig.request(), rig.request()];
    expect(waiting.map(({ place }) => place)).toEqual(['waiting', 'waiting', 'waiting']);
    rig.upstreams.apply([targetFor(1)]);
    expect(waiting.map(({ place }) => place)).toEqual(['a/1', 'a/1', 'waiting']);
    expect([rig.dispatcher.waiting, rig.dispatcher.waitedTotal]).toEqual([1, 3]);
  });

  test('frees the place of a request that is gone at once', () => {
    const rig = new DispatchRig({ capacity: 1 });
    const gone = rig.request();
    expect(rig.request().place).toBe('queue-full');
    rig.dispatcher.leave(gone);
    rig.dispatcher.leave(gone);
    expect(rig.request().place).toBe('waiting');
    rig.route(1);
    expect(gone.place).toBe('waiting');
  });

  test('tells overflow, deadline and stop apart', () => {
    const rig = new DispatchRig({ capacity: 1, deadlineMs: 50 });
    const first = rig.request();
    const second = rig.request();
    rig.clock.advance(50);
    const third = rig.request();
    rig.dispatcher.close();
    const fourth = rig.request();
    expect([first, second, third, fourth].map(({ place }) => place)).toEqual([
      'queue-timeout',
      'queue-full',
      'shutting-down',
      'shutting-down',
    ]);
  });

  test('turns batch away, and nobody else, while memory is short', () => {
    const rig = new DispatchRig();
    rig.route(1);
    rig.dispatcher.shedsBatch = true;
    expect(rig.request('batch').place).toBe('shed');
    expect(rig.request('validation').place).toBe('a/1');
    expect(rig.request('live').place).toBe('a/1');
    rig.dispatcher.shedsBatch = false;
    expect(rig.request('batch').place).toBe('a/1');
  });

  test('honours the limit that the app itself announced, and forgets it when the app does', () => {
    const rig = new DispatchRig({ maxInflight: 3 });
    rig.route(1, { maxInflight: 1 });
    const requests = Array.from({ length: 4 }, () => rig.request());
    expect(requests.map(({ place }) => place)).toEqual(['a/1', 'waiting', 'waiting', 'waiting']);
    rig.route(1);
    expect(requests.map(({ place }) => place)).toEqual(['a/1', 'a/1', 'a/1', 'waiting']);
  });

  test('counts a ticket that is given back twice once', () => {
    const rig = new DispatchRig();
    const [a] = rig.route(1);
    const { ticket } = rig.request();
    ticket!.giveBack('failure');
    ticket!.giveBack('failure');
    expect(a!.traffic(rig.clock.now())).toMatchObject({ inflight: 0, requests: 1, failures: 1 });
  });

  test('admits with a used ticket as with a new one: nothing of the request before is left on it', () => {
    const rig = new DispatchRig();
    const [a, b] = rig.route(2);
    const request = rig.request();
    const ticket = request.ticket!;
    expect(request.place).toBe('a/1');
    ticket.waitingSince = rig.clock.now();
    ticket.giveBack('failure');
    rig.upstreams.noteRefused(a!);
    rig.clock.advance(50);
    const older = rig.request();
    rig.clock.advance(50);
    request.usedTicket = ticket;
    rig.dispatcher.admit(request);
    expect(request).toMatchObject({ ticket, place: 'b/1' });
    expect(ticket).toMatchObject({ upstream: b, admittedAt: rig.clock.now(), waitingSince: Infinity });
    expect(b!.tickets()).toEqual([older.ticket, ticket]);
    for (let count = 0; count < 2; count += 1) ticket.giveBack('failure');
    expect(a!.traffic(rig.clock.now())).toMatchObject({ inflight: 0, requests: 1, failures: 1 });
    expect(b!.traffic(rig.clock.now())).toMatchObject({ inflight: 1, requests: 2, failures: 1 });
  });

  test('counts what a used ticket tells in the breaker, time after time', () => {
    const rig = new DispatchRig();
    const [a, b] = rig.route(2);
    const request = new FakeRequest('again', rig.served);
    request.tried.push(b!);
    const tickets = new Set<unknown>();
    for (let count = 0; count < defaultBreakerOptions.failuresInRow; count += 1) {
      rig.dispatcher.admit(request);
      expect([request.place, a!.breaker.state]).toEqual(['a/1', 'closed']);
      tickets.add(request.ticket);
      request.ticket!.giveBack('failure');
      request.usedTicket = request.ticket;
    }
    expect([a!.breaker.state, tickets.size]).toEqual(['open', 1]);
  });
});

describe('the set of upstreams', () => {
  test('keeps the tickets that are out in order, whichever comes back first', () => {
    const rig = new DispatchRig();
    const [a] = rig.route(1);
    const tickets = Array.from({ length: 4 }, () => {
      rig.clock.advance(10);
      return rig.request().ticket!;
    });
    tickets[2]!.giveBack('success');
    tickets[0]!.giveBack('success');
    expect(a!.tickets()).toEqual([tickets[1], tickets[3]]);
    expect(a!.traffic(rig.clock.now()).oldestInflightMs).toBe(20);
    tickets[3]!.giveBack('success');
    tickets[1]!.giveBack('success');
    expect([a!.tickets(), a!.inflight]).toEqual([[], 0]);
  });

  test('lets one that left go only when its last request is over, and says so to whoever waits', async () => {
    const rig = new DispatchRig();
    const [a] = rig.route(1);
    const request = rig.request();
    rig.upstreams.apply([]);
    const idle = rig.upstreams.waitIdle(a!.target);
    expect([rig.gone, rig.request().place]).toEqual([[], 'waiting']);
    request.ticket!.giveBack('success');
    await idle;
    expect(rig.gone).toEqual(['a/1']);
  });

  test('ends what is in flight on one, and nothing else', () => {
    const rig = new DispatchRig();
    const [a, b] = rig.route(2);
    const requests = Array.from({ length: 4 }, () => rig.request());
    expect(rig.upstreams.abortInflight(a!.target, { reason: 'stopped' })).toBe(2);
    expect([a!.inflight, b!.inflight]).toEqual([0, 2]);
    expect(requests.filter(({ abortedFor }) => abortedFor === 'stopped')).toHaveLength(2);
  });

  test('keeps what it has learnt of one that is in the next snapshot too, and starts a new process afresh', () => {
    const rig = new DispatchRig();
    const [a] = rig.route(1);
    rig.request();
    expect(rig.route(1)[0]).toBe(a);
    expect(rig.route(1, { generation: 2 })[0]).not.toBe(a);
  });

  test('counts on where a process stood that has rested, and anew for another process', () => {
    const rig = new DispatchRig();
    const traffic = (generation: number) => rig.upstreams.trafficOf({ id: 'a/1', generation });
    rig.route(1);
    rig.request().ticket!.giveBack('failure');
    rig.route(0);
    expect(traffic(1)).toMatchObject({ requests: 1, failures: 1, inflight: 0, breaker: 'closed' });
    rig.route(1);
    rig.request();
    expect(traffic(1)).toMatchObject({ requests: 2, failures: 1, inflight: 1 });
    rig.route(1, { generation: 2 });
    expect(traffic(2)).toMatchObject({ requests: 0, failures: 0 });
  });

  test('reports what an app announces once, and not for one that left', () => {
    const rig = new DispatchRig();
    const [a, b] = rig.route(2);
    rig.upstreams.noteAnnouncedDrain(a!);
    rig.upstreams.noteAnnouncedDrain(a!);
    rig.route(1);
    rig.upstreams.noteAnnouncedDrain(b!);
    expect(rig.kinds()).toEqual(['a/1 announced-drain']);
  });
});

describe('the power of two choices', () => {
  /** It always compares the first two, and prefers the first one where they are alike. */
  function start() {
    const rig = new DispatchRig({ balancer: new PowerOfTwo(() => 0) });
    rig.route(2);
    return rig;
  }

  test('gives one that was slow once another chance, although it is never picked meanwhile', () => {
    const rig = start();
    const slow = rig.request();
    expect(slow.place).toBe('a/1');
    rig.clock.advance(8_000);
    slow.ticket!.giveBack('success');
    expect(rig.request().place).toBe('b/1');
    rig.clock.advance(300_000);
    expect(rig.request().place).toBe('a/1');
  });

  test('learns nothing from how long a stream lasts', () => {
    const rig = start();
    const stream = rig.request();
    stream.stream = true;
    rig.clock.advance(3_600_000);
    stream.ticket!.giveBack('success');
    expect([rig.request().place, rig.request().place]).toEqual(['a/1', 'b/1']);
  });
});
