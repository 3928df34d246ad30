import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultProxyOptions, type ProxyOptions } from '../../proxy/index.js';
import { UnixFront } from '../../proxy/unix-front.js';
import { headerFromIPv4 } from '../support/proxy-headers.js';
import { ProxyRig } from '../support/proxy-rig.js';
import { RawConnection } from '../support/raw-connection.js';
import { RecordingBackend } from '../support/recording-backend.js';

let folder: string;
let path: string;
const fronts: UnixFront[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-front-'));
  path = join(folder, 'front.sock');
});

afterEach(() => {
  for (const front of fronts.splice(0)) front.close();
  rmSync(folder, { recursive: true, force: true });
});

const noTrouble = () => undefined;

function front(answer: string, mode = 0o660): UnixFront {
  const made = new UnixFront({ path, mode }, (socket) => socket.end(answer), noTrouble);
  fronts.push(made);
  return made;
}

async function ask(bytes = ''): Promise<string> {
  const connection = await RawConnection.open(path);
  const received = await connection.write(bytes).waitForEnd();
  connection.close();
  return received;
}

describe('a Unix front', () => {
  test.each([0o660, 0o600, 0o666])('has one file, with its mode (%o), and none once it is closed', async (mode) => {
    const listening = front('here', mode);
    await listening.listen();
    expect(readdirSync(folder)).toEqual(['front.sock']);
    expect(lstatSync(path).mode & 0o777).toBe(mode);
    expect(await ask()).toBe('here');
    listening.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('takes the place of a socket that a dead process has left', async () => {
    const dead = front('dead');
    await dead.listen();
    dead.leave();
    expect(readdirSync(folder)).toEqual(['front.sock']);
    await front('alive').listen();
    expect(await ask()).toBe('alive');
    expect(readdirSync(folder)).toEqual(['front.sock']);
  });

  test('leaves a living one alone, and says that it is there', async () => {
    await front('first').listen();
    const second = front('second');
    await expect(second.listen()).rejects.toMatchObject({
      code: 'front-listen',
      message: expect.stringContaining(`${path}: another process listens there.`),
    });
    second.close();
    expect(await ask()).toBe('first');
    expect(readdirSync(folder)).toEqual(['front.sock']);
  });

  test.each([
    ['a file', () => writeFileSync(path, 'precious')],
    ['a folder', () => mkdirSync(path)],
    ['a link', () => symlinkSync('/nowhere', path)],
  ])('never touches %s at its path', async (_what, make) => {
    make();
    const before = lstatSync(path);
    await expect(front('').listen()).rejects.toMatchObject({
      code: 'front-listen',
      message: expect.stringContaining('there is a file that is no socket, and it is left alone'),
    });
    expect(lstatSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['front.sock']);
  });

  test('says that there is no such folder', async () => {
    path = join(folder, 'none', 'front.sock');
    await expect(front('').listen()).rejects.toThrow(/none\/front\.sock: there is no such folder\. Choose another/);
  });

  test('does not remove what somebody else has put in its place', async () => {
    const listening = front('');
    await listening.listen();
    rmSync(path);
    writeFileSync(path, 'precious');
    listening.close();
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  test('leaves its file to a process that goes on with it', async () => {
    const listening = front('');
    await listening.listen();
    expect(listening.fd).toBeGreaterThan(2);
    listening.leave();
    listening.close();
    expect(readdirSync(folder)).toEqual(['front.sock']);
    expect(listening.fd).toBeUndefined();
  });

  test('is refused where its user may not write', async () => {
    // Root may everywhere.
    if (process.getuid?.() === 0) return;
    chmodSync(folder, 0o500);
    await expect(front('').listen()).rejects.toThrow(/not allowed to write in that folder/);
    chmodSync(folder, 0o700);
  });
});

const LAST = 'Host: a\r\nConnection: close\r\n\r\n';

describe.each(['auto', 'full'] as const)('a client of the Unix front, lane %s', (lane) => {
  let rig: ProxyRig;
  let backend: RecordingBackend;

  async function start(options: Partial<ProxyOptions> = {}): Promise<void> {
    const { front: port } = defaultProxyOptions;
    rig = await ProxyRig.start({
      lane,
      ...options,
      front: { ...port, ...options.front, socket: { path, mode: 0o660 } },
    });
    backend = await RecordingBackend.start();
    rig.route(backend.port);
  }

  afterEach(async () => {
    await rig.close();
    await backend.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  /** By lower-case name. */
  function forwarded(): ReadonlyMap<string, string> {
    const { fields } = backend.requests[0]!;
    return new Map(fields.map(([name, value]) => [name.toLowerCase(), value]));
  }

  test('is served, and has no address', async () => {
    await start();
    expect(await ask(`GET / HTTP/1.1\r\n${LAST}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(forwarded().has('x-forwarded-for')).toBe(false);
    expect(forwarded().get('forwarded')).toBe('for=unknown;host="a";proto=http');
    expect((await rig.waitForRecords(1))[0]!.client).toMatchObject({ address: 'unix:' });
  });

  test('is believed for what it says of forwarding', async () => {
    await start();
    const said = 'X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nForwarded: for=203.0.113.9\r\n';
    expect(await ask(`GET / HTTP/1.1\r\n${said}${LAST}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(forwarded().get('x-forwarded-for')).toBe('203.0.113.9');
    expect(forwarded().get('x-forwarded-proto')).toBe('https');
    expect(forwarded().get('forwarded')).toBe('for=203.0.113.9, for=unknown;host="a";proto=http');
  });

  test('may send a large body, and several requests at once', async () => {
    await start();
    const body = 'x'.repeat(1024 * 1024);
    const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const received = await ask(`${post}${post}GET / HTTP/1.1\r\n${LAST}`);
    expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(3);
    expect(backend.requests[1]!.body).toBe(body);
  });

  test('begins with a PROXY header where those are on, with no proxy trusted but whoever may connect', async () => {
    await start({ front: { ...defaultProxyOptions.front, proxyProtocol: true } });
    expect(await ask(`GET / HTTP/1.1\r\n${LAST}`)).toBe('');
    expect(rig.refusedConnections).toEqual(['bad-proxy-header']);
    expect(await ask(`${headerFromIPv4('192.0.2.7').toString('latin1')}GET / HTTP/1.1\r\n${LAST}`)).toMatch(/ 200 /);
    expect(forwarded().get('x-forwarded-for')).toBe('192.0.2.7');
    await ask(`PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n${LAST}`);
    expect((await rig.waitForRecords(2)).map(({ client }) => client!.address)).toEqual(['192.0.2.7', 'unix:']);
  });

  test('ends with the stop when it is idle, and is no longer found', async () => {
    await start();
    const connection = await RawConnection.open(path);
    await rig.proxy.close({ graceMs: 60_000 });
    expect(await connection.waitForEnd()).toBe('');
    connection.close();
    await expect(RawConnection.open(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
