// Where frames begin and end in one direction of a WebSocket (RFC 6455 section 5.2). Follows the octets only to know
// whether a frame of ours could be put behind them: it judges and keeps nothing.

/** First two octets, the longest length, the mask. */
const MAX_HEADER_BYTES = 14;
const OPCODE_CLOSE = 0x8;

/** A whole unmasked close frame, as a server sends it (section 5.5.1). */
export function closeFrame(code: number): Buffer {
  return Buffer.from([0x80 | OPCODE_CLOSE, 2, code >> 8, code & 0xff]);
}

export class WebSocketFrames {
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #headerBytes = 0;
  #payloadLeft = 0;
  /** A close frame has begun: nothing may follow it. */
  closing = false;

  /** Between two frames. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  read(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= taken;
        at += taken;
      } else this.#readHeader(bytes[at++]!);
    }
  }

  #readHeader(octet: number): void {
    this.#header[this.#headerBytes++] = octet;
    if (this.#headerBytes < 2 || this.#headerBytes < headerLength(this.#header[1]!)) return;
    this.closing ||= (this.#header[0]! & 0x0f) === OPCODE_CLOSE;
    this.#payloadLeft = payloadLength(this.#header);
    this.#headerBytes = 0;
  }
}

function headerLength(second: number): number {
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLength(header: Buffer): number {
  const length = header[1]! & 0x7f;
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length === 126 ? header.readUInt16BE(2) : length;
}
