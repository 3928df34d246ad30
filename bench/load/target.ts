// What stands behind the proxies: nginx answering from memory, so that it is never what is measured, and our own source of
// server-sent events.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nginxTemporaryPaths } from '../peers/native-peers.js';
import { BenchChild, temporaryFolder, waitListening } from '../support/children.js';
import { freePorts } from '../../src/core/free-ports.js';

export interface Target {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** `/small` (13 bytes), `/answer` (4 KiB, to any method), `/big` (1 MiB), `/health`. */
export async function startStaticTarget(): Promise<Target> {
  const [port] = await freePorts(1);
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files', 'big'), Buffer.alloc(1024 * 1024, 'x'));
  const path = join(folder, 'target.conf');
  writeFileSync(path, targetConfig(port!, folder));
  return started(['nginx', '-e', join(folder, 'error.log'), '-c', path], port!);
}

/** `GET /`: an event of 200 bytes every few milliseconds, for ever. */
export async function startEventTarget(): Promise<Target> {
  const [port] = await freePorts(1);
  return started([process.execPath, join(import.meta.dirname, 'event-server.js'), String(port)], port!);
}

/** Takes bodies of a known length, and answers each with 2 bytes. */
export async function startUploadTarget(): Promise<Target> {
  const [port] = await freePorts(1);
  return started([process.execPath, join(import.meta.dirname, 'upload-server.js'), String(port)], port!);
}

async function started(command: readonly string[], port: number): Promise<Target> {
  const child = new BenchChild(command);
  await waitListening(child, port);
  return { port, stop: () => child.stop() };
}

function targetConfig(port: number, folder: string): string {
  const oneKiB = 'x'.repeat(1024);
  // As root nginx would serve as nobody, who may not look into a temporary folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `
daemon off;
${user}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 16000; }
http {
  access_log off;
  ${nginxTemporaryPaths(folder)}
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  open_file_cache max=10;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder}/files;
    set $kib "${oneKiB}";
    location = /small { default_type text/plain; return 200 "hello, world\\n"; }
    location = /answer { default_type text/plain; return 200 "$kib$kib$kib$kib"; }
    location = /health { return 200 "ok"; }
  }
}
`;
}
