// The config file's schema: every key, its default and its bounds. Pure shape; what keys say about each other is
// checked in cross-checks.ts. Long, because it is the list of all keys.

import { z } from 'zod';
import { byteSize, duration } from './quantities.js';

const SHORTEST_INTERVAL_MS = 10;
/** Below that a browser's request would be refused. */
const SMALLEST_HEAD_BYTES = 1024;

const port = z.number().int().min(0).max(65_535);
const listenPort = z.number().int().min(1).max(65_535);
const count = z.number().int().min(0);
const share = z.number().min(0).max(1);
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'accepted: letters, digits, and _ . - after the first');

/** What a request's first line takes as it is: a worker would never be asked for anything else. */
const requestPath = () =>
  z.string().regex(/^\/[!-~]*$/, 'accepted: a path that begins with /, of printable ASCII without spaces');

/** What a process can be given as an argument, or in its environment. */
const processText = z.string().refine((text) => !text.includes('\0'), 'must have no NUL in it');
const processEnv = () => z.record(processText, processText).default({});

/** Of what is done again and again, without a pause nothing else would be done; of a try, it could never succeed. */
const interval = () => duration().refine((ms) => ms >= SHORTEST_INTERVAL_MS, 'accepted: 10ms or more');

const backendSchema = z.union([
  z.strictObject({ name, port: listenPort, host: z.string().min(1).default('127.0.0.1') }),
  z.strictObject({ name, url: z.url({ protocol: /^http$/ }), weight: z.number().positive().default(1) }),
]);

/** `0`, `0-3`, `0-3,6` */
const cpuList = z
  .string()
  .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, 'accepted: 0, 0-3, 0-3,6')
  .refine((list) => list.split(',').every(isRising), 'accepted: ranges from low to high, such as 0-3');

function isRising(range: string): boolean {
  const [low, high = low] = range.split('-').map(Number);
  return low! <= high!;
}

const prioritySchema = z.strictObject({
  nice: z.number().int().min(-20).max(19).optional(),
  io: z.union([z.literal('idle'), z.number().int().min(0).max(7)]).optional(),
  cpus: cpuList.optional(),
  weight: z.number().int().min(1).max(10_000).optional(),
});

/** What all workers together may use: memory as sizes, CPU as a share of the CPUs that we have. */
const amounts = z.strictObject({
  ram: byteSize().optional(),
  gpuMemory: byteSize().optional(),
  cpuShare: z.number().positive().max(1).optional(),
});

export const modeSchema = z.strictObject({
  active: z.number().int().min(1),
  workers: z.number().int().min(1).max(256).default(1),
  standby: count.default(0),
  standbyWorkers: z.number().int().min(1).default(1),
  temperature: z.enum(['hot', 'frozen', 'asleep', 'cold']).default('frozen'),
  pushOut: z.boolean().default(false),
  floor: z.number().int().min(1).optional(),
  priority: prioritySchema.default({}),
  job: prioritySchema.default({ nice: 10 }),
  env: processEnv(),
  budget: amounts.default({}),
});

/** A section whose keys all have defaults: leaving it out is the same as leaving it empty. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as never);
}

/** An empty one would listen on all addresses. */
const host = () => z.string().min(1, 'accepted: an address, such as 127.0.0.1 or 0.0.0.0').default('127.0.0.1');

const front = section({
  host: host(),
  port: port.default(9000),
  /** Every connection begins with a PROXY header (version 1 or 2), and comes from one of trustedProxies. */
  proxyProtocol: z.boolean().default(false),
  /** Of the port: HTTPS, with HTTP/2 for clients that want it. The files are PEM. */
  tls: z
    .strictObject({
      cert: z.string().min(1),
      key: z.string().min(1),
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    })
    .optional(),
  /** The path of a Unix socket beside the port; whoever may connect to it is a trusted proxy. */
  socket: z.string().min(1).optional(),
  socketMode: z
    .string()
    .regex(/^0?[0-7]{3}$/, "accepted: three octal digits as text, such as '0660'")
    .default('0660'),
});

const admin = section({ host: host(), port: port.default(9001) });

const health = section({
  path: requestPath().default('/health'),
  interval: interval().default(2_000),
  suspiciousInterval: interval().default(250),
  timeout: interval().default(2_000),
  rise: z.number().int().min(1).default(2),
  fall: z.number().int().min(1).default(3),
  expectStatus: z.number().int().min(100).max(599).optional(),
  /** By default 90 s, or three quarters of deadlines.firstByte where that is longer. 0s turns it off. */
  wedgedAfter: duration().optional(),
});

const restart = section({
  initialBackoff: duration().default(250),
  maxBackoff: duration().default(30_000),
  crashLoopLimit: z.number().int().min(1).default(8),
});

const stop = section({
  drainTimeout: duration().default(30_000),
  streamDrainTimeout: duration().default(30_000),
  grace: duration().default(10_000),
});

const balance = section({
  policy: z.enum(['least-outstanding', 'round-robin', 'p2c', 'random', 'hash']).default('least-outstanding'),
  /** For `hash`: `address`, `header:<name>` or `cookie:<name>`. */
  hashOn: z
    .string()
    .regex(/^(address|header:.+|cookie:.+)$/, 'accepted: address, header:NAME, cookie:NAME')
    .default('address'),
});

const waitingRoom = section({
  capacity: count.default(512),
  deadline: duration().default(30_000),
  /** Off by default: the first comment commits the answer to a 200 with an event stream. */
  keepAliveComments: duration().optional(),
});

const priorities = section({
  header: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'accepted: the name of a header field')
    .default('X-Understudy-Priority'),
  trustClients: z.boolean().default(false),
  routes: z
    .array(z.strictObject({ path: z.string().startsWith('/'), class: z.enum(['live', 'validation', 'batch']) }))
    .default([]),
});

const adaptiveLimit = section({
  enabled: z.boolean().default(false),
  lowest: z.number().int().min(1).default(2),
  initial: z.number().int().min(1).default(16),
  highest: z.number().int().min(1).default(256),
});

const deadlines = section({
  clientHead: duration().default(10_000),
  clientIdle: duration().default(75_000),
  connect: duration().default(250),
  firstByte: duration().default(120_000),
  bodyIdle: duration().default(300_000),
  upstreamIdle: duration().default(4_000),
});

const retry = section({
  budget: share.default(0.2),
  replayBuffer: byteSize().default(1024 * 1024),
  safeRoutes: z.array(z.string().startsWith('/')).default([]),
});

const limits = section({
  maxHead: byteSize()
    .refine((bytes) => bytes >= SMALLEST_HEAD_BYTES, 'accepted: 1KiB or more')
    .default(16 * 1024),
  maxFields: z.number().int().min(1).default(100),
  maxBody: byteSize().optional(),
});

const log = section({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  format: z.enum(['auto', 'pretty', 'json']).default('auto'),
  /** One line a request, in accessFile. */
  access: z.enum(['off', 'json', 'combined']).default('off'),
  /** `-` is stdout; by default access.log in logDir. */
  accessFile: z.string().min(1).optional(),
  /** For the access log and the workers' own files. */
  rotateAbove: byteSize().default(16 * 1024 * 1024),
  keep: z.number().int().min(1).max(100).default(3),
});

/** What is looked at on this machine, and how often. */
const resources = section({
  enabled: z.boolean().default(true),
  interval: interval().default(2_000),
  gpu: z.boolean().default(true),
  gpuTimeout: interval().default(5_000),
});

const timeout = interval().default(30_000);
const method = z.string().regex(/^[A-Z]+$/, 'accepted: GET, POST, PUT');
const httpHook = z.strictObject({
  path: requestPath(),
  method: method.default('POST'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  /** Any below 400 when it is left out. */
  expectStatus: z.number().int().min(100).max(599).optional(),
  /** What the answer must contain. */
  expectBody: z.string().min(1).optional(),
  timeout,
});
/** `{pid} {port} {host} {name} {worker}` are filled in. */
const commandHook = z.strictObject({ command: z.array(processText).min(1), timeout });
const hook = z.union([httpHook, commandHook]);

/** How a standby falls asleep and wakes, for modes with the temperature `asleep`. */
const sleep = z.strictObject({
  demote: hook,
  promote: hook,
  /** Proves the wake-up; a GET of health.path when it is left out. */
  golden: httpHook.extend({ method: method.default('GET') }).optional(),
});

/** How fast a standby is to be back in traffic; `doctor` compares it with the last rehearsal. */
const promises = section({
  hot: duration().default(100),
  frozen: duration().default(250),
  asleep: duration().default(10_000),
  cold: duration().default(120_000),
});

/** When memory runs short starts pause, the standby freezes and falls asleep, batch requests are shed; in this order. */
const pressure = section({
  enabled: z.boolean().default(true),
  /** Per cent of the last 10 s in which everything waited for memory (PSI `full`); 0 is not to look. */
  memoryFull: z.number().min(0).max(100).default(10),
  /** Share of RAM that must be available. */
  memoryAvailable: share.default(0.04),
  /** Share of a GPU's memory that may be used; not looked at by default, since many servers take all of it beforehand. */
  gpuMemory: share.optional(),
  relaxAfter: duration().default(30_000),
});

/** What all workers together may use. */
const budget = section({ workers: z.number().int().min(1).optional(), ...amounts.shape });

/** What one worker needs at its peak; learnt from those that ran when it is left out. */
const expected = section({ ram: byteSize().optional(), gpuMemory: byteSize().optional() });

export const configSchema = z.strictObject({
  front,
  lane: z.enum(['auto', 'fast', 'full']).default('auto'),
  admin,
  backends: z.array(backendSchema).min(1).optional(),
  command: z.array(processText).min(1).optional(),
  app: z
    .string()
    .regex(/^[\w.]+:[\w.]+$/, 'accepted: module:app')
    .optional(),
  cwd: z.string().optional(),
  env: processEnv(),
  health,
  modes: z
    .record(name, modeSchema)
    .refine((modes) => Object.keys(modes).length > 0, 'names no mode; leave it out to have production and validation')
    .optional(),
  mode: z.string().optional(),
  runtimeDir: z.string().min(1).optional(),
  logDir: z.string().min(1).optional(),
  budget,
  expected,
  resources,
  sleep: sleep.optional(),
  promises,
  pressure,
  restart,
  stop,
  startTimeout: duration().default(300_000),
  failbackAfter: duration().default(10_000),
  rehearseEvery: duration().default(60_000),
  balance,
  maxInflightPerWorker: z.number().int().min(1).optional(),
  adaptiveLimit,
  slowStart: duration().default(10_000),
  waitingRoom,
  priorities,
  deadlines,
  retry,
  trustedProxies: z.array(z.string()).default([]),
  limits,
  upgrades: z.array(z.string()).default(['websocket']),
  log,
});

export type ConfigInput = z.input<typeof configSchema>;
export type ParsedConfig = z.output<typeof configSchema>;
