import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, WebSocketFrames } from '../../../proxy/lanes/websocket-frames.js';

/** RFC 6455 section 5.2, written down once more and simply. */
function frame({ opcode, length, masked }: { opcode: number; length: number; masked: boolean }): Buffer {
  const size = length < 126 ? [length] : length < 65_536 ? [126] : [127];
  const head = Buffer.from([0x80 | opcode, size[0]! | (masked ? 0x80 : 0)]);
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([head, extended, Buffer.alloc(masked ? 4 : 0), Buffer.alloc(length, 0x88)]);
}

const frames = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  length: fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536)),
  masked: fc.boolean(),
});

test('a WebSocket is between two frames exactly where the octets end one, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(frames, { maxLength: 6 }), fc.array(fc.nat(1_000), { maxLength: 8 }), (list, cuts) => {
      const bytes = Buffer.concat(list.map(frame));
      const ends = new Set([0]);
      for (const one of list) ends.add(Math.max(...ends) + frame(one).length);
      const reader = new WebSocketFrames();
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const to = Math.min(bytes.length, at + cut);
        reader.read(bytes.subarray(at, to));
        at = to;
        expect(reader.atBoundary).toBe(ends.has(at));
      }
      expect(reader.closing).toBe(false);
    }),
    { seed: 20_261_124 },
  );
});

test('a WebSocket is closing once a close frame has come, and has no more frames of ours', () => {
  const reader = new WebSocketFrames();
  reader.read(frame({ opcode: 1, length: 3, masked: false }));
  expect(reader.closing).toBe(false);
  reader.read(closeFrame(1000));
  expect(reader.closing).toBe(true);
});
