import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePorts, rangeBesideEphemeral } from '../../../src/core/free-ports.js';
import { freePorts as testPorts } from '../../support/free-port.js';

describe('the range to look in', () => {
  test.each([
    ['below, where Linux has them', { from: 32_768, to: 61_000 }, { from: 10_100, to: 32_768 }],
    ['above, when they begin low', { from: 1_024, to: 40_000 }, { from: 40_000, to: 65_536 }],
    ['above what fetch refuses, when they end low', { from: 1_024, to: 5_000 }, { from: 10_100, to: 65_536 }],
    ['all, when they take nearly all', { from: 1_024, to: 65_001 }, { from: 10_100, to: 65_536 }],
  ])('is %s', (_where, ephemeral, range) => {
    expect(rangeBesideEphemeral(ephemeral)).toEqual(range);
  });
});

describe('free ports', () => {
  const taken = createServer();
  let from: number;

  beforeEach(async () => {
    [from] = (await testPorts(1)) as [number];
    taken.listen(from, '127.0.0.1');
    await once(taken, 'listening');
  });

  afterEach(async () => {
    taken.close();
    await once(taken, 'close');
  });

  test('are different, from the range, and none on which something listens', async () => {
    const ports = await freePorts(3, { range: { from, to: from + 20 }, random: () => 0 });
    expect(new Set(ports).size).toBe(3);
    expect(ports).not.toContain(from);
    for (const port of ports) expect(port > from && port < from + 20).toBe(true);
  });

  test('are looked for from the beginning again when the end is reached', async () => {
    const [port] = await freePorts(1, { range: { from: from - 10, to: from + 1 }, random: () => 0.99 });
    expect(port! >= from - 10 && port! < from).toBe(true);
  });

  test('are none that somebody has plans for', async () => {
    const range = { from, to: from + 20 };
    const [planned] = await freePorts(1, { range, random: () => 0 });
    const [port] = await freePorts(1, { range, random: () => 0, inUse: new Set([planned!]) });
    expect(port).toBeGreaterThan(planned!);
  });

  test('can be bound at once', async () => {
    const [port] = await freePorts(1);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  });

  test('say so when there are not enough', async () => {
    await expect(freePorts(2, { range: { from, to: from + 1 } })).rejects.toThrow(
      `only 0 of 2 ports are free on 127.0.0.1 from ${from} to ${from}`,
    );
  });
});
