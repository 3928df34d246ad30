// The text that `init` writes: every key with its default and what it is for. A test parses it back to the defaults.

/** YAML; every value in it is the default. */
export function commentedConfig(): string {
  return TEXT;
}

const TEXT = `# yaml-language-server: $schema=https://unpkg.com/understudy-lb/understudy.schema.json
# Understudy's configuration. Every value here is the default: keep what you change, delete the rest.
# 'understudy check' tells every problem at once; 'understudy reload' applies changes while traffic flows.

# The one port that clients use. host: 0.0.0.0 opens it to the network. proxyProtocol: true where a proxy in front says by PROXY
# headers whose connections it brings: it must be in trustedProxies, and whoever is not, or sends none, is closed.
# socket: /run/understudy/front.sock adds a Unix socket, for whom socketMode lets connect: they are believed as trustedProxies are.
# tls: { cert: fullchain.pem, key: privkey.pem } makes the port HTTPS with HTTP/2, minVersion: TLSv1.3 refuses TLS 1.2.
front: { host: 127.0.0.1, port: 9000, proxyProtocol: false, socketMode: '0660' }

# Admin API, metrics and dashboard. Changes over this port need the token printed at start.
admin: { host: 127.0.0.1, port: 9001 }

# The pool, in order: a mode takes its active backends from the top, its standby ones after them.
# { name: elsewhere, url: "http://127.0.0.1:8500" } is one that somebody else runs: probed and balanced, never started.
backends:
  - { name: primary, port: 8000 }
  - { name: secondary, port: 8080 }
  - { name: fallback, port: 3001 }

# What a worker runs. Either a uvicorn app:
# app: module:app
# or any command; {port} {host} {name} {worker} are filled in, one process a worker. With {workers} a server forks by itself:
# it counts as one worker, and is restarted in turn when a mode changes their number.
# command: [python3, -m, uvicorn, "module:app", --port, "{port}"]

# The shapes of the pool. standby is started and proven but gets no traffic; temperature: hot, frozen,
# asleep (needs the section sleep) or cold. A mode may also have standbyWorkers (of a standby backend: 1), floor (the fewest workers
# that a drain or a restart leaves in traffic: all but one), priority and job (nice, io, cpus, weight), env, a budget, and pushOut (the
# memory of what is frozen goes to swap).
modes:
  production: { active: 3, workers: 1 }
  validation: { active: 2, workers: 2, standby: 1, temperature: frozen }
mode: production

# A worker is ready when this path answers below 500 (or exactly expectStatus). Whatever it answers, a worker is replaced when
# requests wait for their answers and for wedgedAfter (90s; 0s: never) no byte moves and neither CPU nor GPU is used.
health: { path: /health, interval: 2s, suspiciousInterval: 250ms, timeout: 2s, rise: 2, fall: 3 }

# A failed worker comes back after a growing pause; after crashLoopLimit failures in a row it is left alone.
restart: { initialBackoff: 250ms, maxBackoff: 30s, crashLoopLimit: 8 }

# Stopping (or going to standby): requests in flight get drainTimeout, event streams and WebSockets streamDrainTimeout, then an
# explicit error. The process gets grace after SIGTERM, then SIGKILL.
stop: { drainTimeout: 30s, streamDrainTimeout: 30s, grace: 10s }
startTimeout: 5m
failbackAfter: 10s
rehearseEvery: 1m

# How a standby with the temperature asleep gives its GPU memory back and takes it again: a request to the worker (these
# are vLLM's), or { command: [cuda-checkpoint, --toggle, --pid, "{pid}"] }. golden proves the wake-up; GET health.path by default.
# sleep:
#   demote: { path: "/sleep?level=1", timeout: 30s }
#   promote: { path: /wake_up, timeout: 30s }
#   golden: { path: /v1/models, expectBody: my-model, timeout: 10s }
# How fast a standby is to be back; doctor compares it with the rehearsals.
promises: { hot: 100ms, frozen: 250ms, asleep: 10s, cold: 2m }

# Where workers run, what is added to their environment, and where state, socket and logs of this instance are kept:
# cwd: .
# env: { MODEL: small }
# runtimeDir: /run/user/1000/understudy-9000
# logDir: logs

# What carries requests: auto and fast are our own lane where it can, full is Node's and undici's.
lane: auto
# Protocols that connections may be upgraded to.
upgrades: [websocket]

# least-outstanding, round-robin, p2c, random, or hash (hashOn: address, header:NAME or cookie:NAME).
balance: { policy: least-outstanding, hashOn: address }

# A freshly started worker gets few requests at once at first, and its full share after this time. 0s turns it off.
slowStart: 10s
# maxInflightPerWorker: 64
# Finds each worker's limit by its latency, for requests that are alike.
adaptiveLimit: { enabled: false, lowest: 2, initial: 16, highest: 256 }

# When nobody can take a request it waits here instead of failing: live before validation before batch. A route decides
# ({ path: /evaluate, class: batch }), or else the header, which counts from trusted proxies, or from all with trustClients.
# keepAliveComments: 15s sends comments to event streams that wait (then a refusal is an error event, no longer a 503).
waitingRoom: { capacity: 512, deadline: 30s }
priorities: { header: X-Understudy-Priority, trustClients: false, routes: [] }

# Those that end a request say so by a code of their own. 0s: none.
deadlines:
  { clientHead: 10s, clientIdle: 75s, connect: 250ms, firstByte: 2m, bodyIdle: 5m, upstreamIdle: 4s }

# Safe repeats on another worker: at most this share of requests; routes listed are safe to repeat whatever the method.
retry: { budget: 0.2, replayBuffer: 1MiB, safeRoutes: [] }

# No worker is started without room for its peak. What one needs is learnt from the last ones that started, unless said here:
# expected: { ram: 2GiB, gpuMemory: 900MiB }
# What all workers together may use:
# budget: { workers: 5, ram: 12GiB, gpuMemory: 3GiB, cpuShare: 0.75 }

# When memory runs short: starts pause, the standby freezes and falls asleep, batch requests are shed; in this order, and back.
pressure: { enabled: true, memoryFull: 10, memoryAvailable: 0.04, relaxAfter: 30s }

# CPU, memory, pressure, GPU (by nvidia-smi) of this machine and of each worker: in status and metrics.
resources: { enabled: true, interval: 2s, gpu: true, gpuTimeout: 5s }

# Addresses whose X-Forwarded-* fields, and PROXY headers, are believed.
trustedProxies: []
# maxBody: 100MiB refuses larger request bodies with a 413; unlimited by default.
limits: { maxHead: 16KiB, maxFields: 100 }

# access: json or combined writes a line for each request to accessFile (access.log in logDir; "-" is stdout).
# That file and the workers' own are rotated above a size, and so many older ones are kept.
log: { level: info, format: auto, access: "off", rotateAbove: 16MiB, keep: 3 }
`;
