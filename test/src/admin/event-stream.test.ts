import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventLog } from '../../../src/admin/event-log.js';
import { streamEvents } from '../../../src/admin/event-stream.js';

/** A response to somebody who reads nothing. */
class UnreadResponse extends EventEmitter {
  writableLength = 0;
  destroyed = false;

  writeHead(): this {
    return this;
  }

  write(text: string): boolean {
    this.writableLength += text.length;
    return false;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

test('a reader of the events that does not keep up is cut off, and holds no more than 1 MiB and an event', () => {
  const response = new UnreadResponse();
  const events = new EventLog();
  const reply = { hijack: () => undefined, raw: response } as unknown as FastifyReply;
  streamEvents({ method: 'GET', headers: {}, query: {} } as unknown as FastifyRequest, reply, events);
  const evidence = 'x'.repeat(64 * 1024);
  for (let count = 0; count < 15; count += 1) events.append({ at: 0, kind: 'worker', cause: 'it moved', evidence });
  expect(response.destroyed).toBe(false);
  for (let count = 0; count < 5; count += 1) events.append({ at: 0, kind: 'worker', cause: 'it moved', evidence });
  expect(response.destroyed).toBe(true);
  expect(response.writableLength).toBeLessThan(1024 * 1024 + 2 * evidence.length);
});
