// A program: runs a worker's real command on a port of its own and relays the worker's port to it, with faults to order.
// faulty-worker --host H --port P --avoid P,... --folder F --health PATH -- command ... {inner-port} ...

import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { systemClock, waitFor } from '../core/clock.js';
import { freePorts } from '../core/free-ports.js';
import { faultSocketPath, readStartFault, type FaultOrder } from './fault.js';
import { FaultRelay } from './fault-relay.js';
import { INNER_PORT } from './faulty-command.js';

const POLL_MS = 20;

const { values, positionals: command } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    avoid: { type: 'string', default: '' },
    folder: { type: 'string' },
    health: { type: 'string', default: '/health' },
  },
  allowPositionals: true,
});
const { host, health } = values;
const port = Number(values.port);
const folder = values.folder!;

const startFault = readStartFault(folder);
if (startFault?.kind === 'crash') {
  process.stderr.write('chaos: this start was ordered to crash\n');
  process.exit(1);
}
// Free as yet: ours, where nothing listens before the server does, and those of the others.
const inUse = new Set([port, ...values.avoid.split(',').map(Number)]);
const innerPort = (await freePorts(1, { host, inUse }))[0]!;
const relay = new FaultRelay({ host, port, innerPort, healthPath: health });
const child = startServer();
await waitAccepting(child);
if (startFault?.kind === 'slow') await waitFor(systemClock, startFault.delayMs);
takeOrders();
await relay.listen();

function startServer(): ChildProcess {
  const [program, ...args] = command.map((part) => part.replaceAll(INNER_PORT, String(innerPort)));
  const env = { ...process.env, UNDERSTUDY_PORT: String(innerPort) };
  // In our process group, so that whatever is done to the worker is done to both.
  const server = spawn(program!, args, { stdio: 'inherit', env });
  server.once('error', (error) => {
    process.stderr.write(`chaos: cannot start ${program}: ${error.message}\n`);
    process.exit(1);
  });
  server.once('exit', (code) => {
    rmSync(faultSocketPath(folder, port), { force: true });
    process.exit(code ?? 1);
  });
  // The server gets the signal too and ends us with it; meanwhile what is in flight goes on.
  process.on('SIGTERM', () => {
    relay.drain();
    server.kill('SIGTERM');
  });
  return server;
}

function takeOrders(): void {
  const path = faultSocketPath(folder, port);
  rmSync(path, { force: true });
  createServer((socket) => readOrder(socket)).listen(path);
}

function readOrder(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.once('data', (line: Buffer) => {
    const { kind, forMs } = JSON.parse(String(line)) as FaultOrder;
    relay.begin(kind);
    systemClock.startTimer(forMs, () => void relay.end());
    socket.end('ok\n');
  });
}

async function waitAccepting(server: ChildProcess): Promise<void> {
  while (server.exitCode === null && !(await accepts())) await waitFor(systemClock, POLL_MS);
}

function accepts(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: innerPort });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
