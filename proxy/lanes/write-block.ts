// What text and octets are put together in for one write. All connections share one block, since a small write is over
// before its call is; one that is not takes the block with it.

import { BlockViews } from '../http1/block-views.js';
import { firstOf } from '../http1/shared-block.js';

/** So many octets at most are worth copying, to leave in one write with what stands before them. */
export const SMALL_BYTES = 16 * 1024;

const BLOCK_BYTES = 64 * 1024;
/** So few octets are copied one by one in less time than it takes to make a view of them. */
const FEW_BYTES = 64;

let views = anotherBlock();

/** A head, as octets or as latin-1 text, and octets behind it, copied into one piece that is valid until the next call. */
export function putTogether(head: string | Buffer, bytes: Buffer, start: number, end: number): Buffer {
  const { block } = views;
  const length = head.length + end - start;
  if (length > BLOCK_BYTES) return Buffer.concat([octetsOf(head), bytes.subarray(start, end)]);
  if (typeof head !== 'string') block.set(head);
  else if (head !== '') block.write(head, 0, 'latin1');
  if (end - start <= FEW_BYTES)
    for (let index = start; index < end; index += 1) block[head.length + index - start] = bytes[index]!;
  else block.set(start === 0 ? firstOf(bytes, end) : bytes.subarray(start, end), head.length);
  return views.of(length);
}

/** Somebody has not written the piece yet, and keeps what it lies in. */
export function leaveWriteBlock(): void {
  views = anotherBlock();
}

function octetsOf(head: string | Buffer): Buffer {
  return typeof head === 'string' ? Buffer.from(head, 'latin1') : head;
}

function anotherBlock(): BlockViews {
  return new BlockViews(Buffer.allocUnsafeSlow(BLOCK_BYTES));
}
