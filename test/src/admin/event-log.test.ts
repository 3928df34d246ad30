import { expect, test } from '@jest/globals';
import { EventLog } from '../../../src/admin/event-log.js';

test('the event log keeps the newest thousand, and counts on', () => {
  const log = new EventLog();
  for (let count = 0; count < 1_001; count += 1) log.append({ at: 0, kind: 'worker', cause: 'it moved' });
  const kept = log.since(0);
  expect(kept).toHaveLength(1_000);
  expect(kept[0]!.seq).toBe(2);
  expect(log.lastSeq).toBe(1_001);
});
