// The front's Unix socket, beside its port. The path is there from the moment in which somebody answers until a real stop: it is
// bound under another name in the same folder and renamed, which takes the place of what a dead process left there in one
// step; and since libuv removes the name that it has bound when the listener closes, it never removes the one that a
// successor goes on with. What is no socket is never touched.

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { errorCode, errorMessage, operatorError, type UnderstudyError } from '../src/core/errors.js';

export interface SocketPlace {
  /** Absolute. */
  readonly path: string;
  /** Who may connect, as the file's mode. */
  readonly mode: number;
}

export class UnixFront {
  readonly #place: SocketPlace;
  readonly #server: Server;
  /** The file that is ours to remove. */
  #file: Stats | undefined;

  constructor(place: SocketPlace, accept: (socket: Socket) => void, onTrouble: (error: Error) => void) {
    this.#place = place;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept);
    this.#server.once('listening', () => this.#server.on('error', onTrouble));
  }

  /** @throws UnderstudyError `front-listen` that names the path and why. */
  async listen(): Promise<void> {
    const { path, mode } = this.#place;
    try {
      await refuseTaken(path);
      const bound = join(dirname(path), `.${randomBytes(4).toString('hex')}`);
      await this.#listenOn({ path: bound });
      try {
        chmodSync(bound, mode);
        renameSync(bound, path);
      } catch (error) {
        this.#server.close();
        throw error;
      }
      this.#file = lstatSync(path);
    } catch (error) {
      throw cannotListen(path, error);
    }
  }

  /**
   * Accepts on what another process listens on already, at the same path.
   * @throws UnderstudyError `front-listen`.
   */
  async listenOn(fd: number): Promise<void> {
    try {
      await this.#listenOn({ fd });
    } catch (error) {
      throw cannotListen(this.#place.path, error);
    }
    this.#file = lstatSync(this.#place.path, { throwIfNoEntry: false });
  }

  /** To be given to another process, which finds the same socket behind it; undefined when it does not listen. */
  get fd(): number | undefined {
    const { _handle: handle } = this.#server as Server & { readonly _handle?: { readonly fd?: number } | null };
    return handle?.fd;
  }

  /** Another process goes on at the path. */
  leave(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Nobody does, so it goes too; unless somebody else has put a file of his own there. */
  close(): void {
    if (!this.#server.listening) return;
    const { path } = this.#place;
    // As long as we listen nobody else's file can have our file's number.
    const present = lstatSync(path, { throwIfNoEntry: false });
    if (present !== undefined && present.ino === this.#file?.ino && present.dev === this.#file.dev)
      rmSync(path, { force: true });
    this.#server.close();
  }

  #listenOn(where: { readonly path: string } | { readonly fd: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }
}

/** Nothing, or what a process that is gone has left: that is replaced. */
async function refuseTaken(path: string): Promise<void> {
  const present = lstatSync(path, { throwIfNoEntry: false });
  if (present === undefined) {
    // libuv says of that what it says of a folder that is not ours to write.
    if (!existsSync(dirname(path))) throw new Error('there is no such folder');
    return;
  }
  if (!present.isSocket()) throw new Error('there is a file that is no socket, and it is left alone');
  const refusal = await tryConnect(path);
  if (refusal === undefined) throw new Error('another process listens there');
  if (refusal !== 'ECONNREFUSED' && refusal !== 'ENOENT')
    throw new Error(`there is a socket already, and whether somebody listens can't be told (${refusal})`);
}

/** The error's code; undefined when somebody answers. */
function tryConnect(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    // A full queue: somebody listens, and has no time.
    socket.once('error', (error) => resolve(errorCode(error) === 'EAGAIN' ? undefined : errorCode(error)));
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'its folder is a file',
  EACCES: 'not allowed to write in that folder',
  EPERM: 'not allowed to',
};

function cannotListen(path: string, error: unknown): UnderstudyError {
  const reason = REASONS[errorCode(error) ?? ''] ?? errorMessage(error);
  return operatorError(
    'front-listen',
    `Cannot listen on the front's socket ${path}: ${reason}. Choose another with front.socket.`,
    error,
  );
}
