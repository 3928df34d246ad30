// What text and octets are put together in for one write. All connections share one block, since a small write is over
// before its call is; one that is not takes the block with it.

const BLOCK_BYTES = 64 * 1024;

let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);

/** Latin-1 text and octets behind it, copied into one piece that is valid until the next call. */
export function putTogether(text: string, bytes: Buffer, start: number, end: number): Buffer {
  const length = text.length + end - start;
  if (length > BLOCK_BYTES) return Buffer.concat([Buffer.from(text, 'latin1'), bytes.subarray(start, end)]);
  if (text !== '') block.write(text, 0, 'latin1');
  block.set(bytes.subarray(start, end), text.length);
  return block.subarray(0, length);
}

/** Somebody has not written the piece yet, and keeps what it lies in. */
export function leaveWriteBlock(): void {
  block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
}
