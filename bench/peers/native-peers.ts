// The proxies in C and Go, each pinned to one thread and configured as its manual advises for a keep-alive upstream.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer, PeerSetup } from './peer.js';

export const nativePeers: readonly Peer[] = [
  {
    name: 'nginx',
    needs: 'nginx',
    command: (setup) => ['nginx', '-e', join(setup.folder, 'error.log'), '-c', write(setup, nginxConfig(setup))],
  },
  {
    name: 'haproxy',
    needs: 'haproxy',
    command: (setup) => ['haproxy', '-q', '-db', '-f', write(setup, haproxyConfig(setup))],
  },
  {
    name: 'caddy',
    needs: 'caddy',
    command: (setup) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', write(setup, caddyConfig(setup))],
  },
];

function write({ folder }: PeerSetup, text: string): string {
  const path = join(folder, 'peer.conf');
  writeFileSync(path, text);
  return path;
}

function nginxConfig({ port, upstreamPort, folder, streaming }: PeerSetup): string {
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 16000; }
http {
  access_log off;
  ${nginxTemporaryPaths(folder)}
  keepalive_requests 1000000000;
  client_max_body_size 0;
  upstream workers {
    server 127.0.0.1:${upstreamPort} max_fails=3 fail_timeout=1s;
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_buffering ${streaming ? 'off' : 'on'};
      proxy_request_buffering ${streaming ? 'off' : 'on'};
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`;
}

/** Where nginx would write by default may not be ours. */
export function nginxTemporaryPaths(folder: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ');
}

function haproxyConfig({ port, upstreamPort, streaming }: PeerSetup): string {
  return `
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  option forwardfor
  ${streaming ? 'option http-no-delay' : ''}
  option httpchk GET /health
  http-reuse always
  unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-Id
  timeout connect 5s
  timeout client 75s
  timeout server 120s
frontend front
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  default_backend workers
backend workers
  server worker 127.0.0.1:${upstreamPort} check inter 2s
`;
}

function caddyConfig({ port, upstreamPort, streaming }: PeerSetup): string {
  return `
{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstreamPort} {
    health_uri /health
    health_interval 2s
    header_up X-Request-Id {http.request.uuid}
    ${streaming ? 'flush_interval -1' : ''}
  }
}
`;
}
