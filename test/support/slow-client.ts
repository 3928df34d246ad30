// A client that takes one piece at a time, when it is told to, and keeps it as the kernel would: where it lies, until it is
// taken. For `frontServer.emit('connection', ...)`.

import { once } from 'node:events';
import { Duplex } from 'node:stream';

export class SlowClient extends Duplex {
  #waiting: { readonly piece: Buffer; readonly done: () => void } | undefined;

  override _read(): void {}

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.#waiting = { piece, done };
    this.emit('offered');
  }

  async offered(): Promise<void> {
    if (this.#waiting === undefined) await once(this, 'offered');
  }

  takePiece(): Buffer {
    const { piece, done } = this.#waiting!;
    const taken = Buffer.from(piece);
    this.#waiting = undefined;
    done();
    return taken;
  }
}
