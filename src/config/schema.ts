// The config file's schema: every key, its default, its bounds, and what editors show for it (a description comes last
// in its chain, or it would not be the key's). Pure shape; what keys say about each other is checked in
// cross-checks.ts. Long, because it is the list of all keys.

import { z } from 'zod';
import { byteSize, duration } from './quantities.js';

const SHORTEST_INTERVAL_MS = 10;
/** Below that a browser's request would be refused. */
const SMALLEST_HEAD_BYTES = 1024;

const port = z.number().int().min(0).max(65_535);
const listenPort = z.number().int().min(1).max(65_535);
const count = z.number().int().min(0);
const status = z.number().int().min(100).max(599);
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
  z.strictObject({
    name: name.describe('Its name in commands, status and logs.'),
    port: listenPort.describe('Port of its first worker; further ones get free ports.'),
    host: z.string().min(1).default('127.0.0.1').describe('Address that its workers listen on.'),
  }),
  z.strictObject({
    name: name.describe('Its name in commands, status and logs.'),
    url: z
      .url({ protocol: /^http$/ })
      .describe(
        'Where it is, such as http://127.0.0.1:8500: somebody else runs it; probed and balanced, never started.',
      ),
    weight: z
      .number()
      .positive()
      .default(1)
      .describe('Its share of requests, where each worker of ours has 1, under the policies round-robin and random.'),
  }),
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
  nice: z
    .number()
    .int()
    .min(-20)
    .max(19)
    .optional()
    .describe('CPU priority from -20 (first) to 19 (last); raising it takes privileges.'),
  io: z
    .union([z.literal('idle'), z.number().int().min(0).max(7)])
    .optional()
    .describe('Disk priority from 0 (first) to 7 (last), or idle.'),
  cpus: cpuList.optional().describe("CPUs that may be used, such as '0', '0-3' or '0-3,6'."),
  weight: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Part of the CPU time when there is not enough, where others have 100; needs a cgroup v2 of our own.'),
});

/** What all workers together may use: memory as sizes, CPU as a share of the CPUs that we have. */
const amounts = z.strictObject({
  ram: byteSize().optional().describe('RAM that all workers together may use; unlimited when it is left out.'),
  gpuMemory: byteSize()
    .optional()
    .describe('GPU memory that all workers together may use; unlimited when it is left out.'),
  cpuShare: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('Share of the CPUs that the workers may run on, up to 1; priority.cpus names them instead.'),
});

export const modeSchema = z.strictObject({
  active: z.number().int().min(1).describe('How many backends are in traffic, from the top of the list.'),
  workers: z.number().int().min(1).max(256).default(1).describe('Workers of each active backend.'),
  standby: count.default(0).describe('How many backends after the active ones wait on standby, without traffic.'),
  standbyWorkers: z.number().int().min(1).default(1).describe('Workers of each standby backend.'),
  temperature: z
    .enum(['hot', 'frozen', 'asleep', 'cold'])
    .default('frozen')
    .describe(
      'How a standby waits: running, stopped with its memory kept, asleep (needs the section sleep), or not started.',
    ),
  pushOut: z
    .boolean()
    .default(false)
    .describe(
      'Whether the memory of what is frozen goes to swap; its promotion takes longer. Needs a cgroup v2 of our own.',
    ),
  floor: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Fewest workers that a drain or a restart leaves in traffic; all but one when it is left out.'),
  priority: prioritySchema.default({}).describe('What the workers may claim of the machine in this mode.'),
  job: prioritySchema
    .default({ nice: 10 })
    .describe('What the command of validate may claim of the machine in this mode.'),
  env: processEnv().describe('Added to the environment of workers that start in this mode.'),
  budget: amounts
    .default({})
    .describe("What all workers together may use in this mode; goes before the pool's budget."),
});

/** A section whose keys all have defaults: leaving it out is the same as leaving it empty. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as never);
}

/** An empty one would listen on all addresses. */
const host = () => z.string().min(1, 'accepted: an address, such as 127.0.0.1 or 0.0.0.0').default('127.0.0.1');

const front = section({
  host: host().describe('Address that the front listens on; 0.0.0.0 opens it to the network.'),
  port: port.default(9000).describe('The one port that clients use; 0 is any free one.'),
  proxyProtocol: z
    .boolean()
    .default(false)
    .describe(
      'Whether every connection begins with a PROXY header (version 1 or 2), and comes from one of trustedProxies.',
    ),
  tls: z
    .strictObject({
      cert: z.string().min(1).describe('File with the certificate (PEM), the ones that signed it behind it.'),
      key: z.string().min(1).describe("File with the certificate's private key (PEM)."),
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The oldest TLS that is accepted.'),
    })
    .optional()
    .describe('Makes the port HTTPS, with HTTP/2 for clients that want it; renewed files are taken up by themselves.'),
  socket: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a Unix socket beside the port; whoever may connect to it is a trusted proxy.'),
  socketMode: z
    .string()
    .regex(/^0?[0-7]{3}$/, "accepted: three octal digits as text, such as '0660'")
    .default('0660')
    .describe("Who may connect to the socket: the file's mode, three octal digits as text."),
}).describe('Where clients connect.');

const admin = section({
  host: host().describe('Address that it listens on; 0.0.0.0 opens it to the network.'),
  port: port.default(9001).describe('Its port; 0 is any free one.'),
}).describe('Admin API, metrics and dashboard.');

const health = section({
  path: requestPath().default('/health').describe('Path that the probes of a worker ask for.'),
  interval: interval().default(2_000).describe('Pause between the probes of a worker that is well.'),
  suspiciousInterval: interval()
    .default(250)
    .describe('Pause between the probes of a worker that starts, has failed a probe, or is under suspicion.'),
  timeout: interval().default(2_000).describe('How long a probe waits for its answer.'),
  rise: z.number().int().min(1).default(2).describe('Passed probes in a row that prove a worker.'),
  fall: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe('Failed probes in a row that condemn a worker; a refused connection does so at once.'),
  expectStatus: status.optional().describe('The one status that passes; any below 500 when it is left out.'),
  wedgedAfter: duration()
    .optional()
    .describe(
      'Requests that wait for so long, without a byte moved or CPU or GPU used, get a worker replaced; 0s: never. ' +
        'Left out: 90s, or three quarters of deadlines.firstByte where that is longer.',
    ),
}).describe('How workers are probed, and when one counts as failed.');

const restart = section({
  initialBackoff: duration()
    .default(250)
    .describe('Pause before the first restart of a failed worker; it doubles with each. 0s: none.'),
  maxBackoff: duration().default(30_000).describe('The longest that this pause gets.'),
  crashLoopLimit: z.number().int().min(1).default(8).describe('Failures in a row after which a worker is left alone.'),
}).describe('How a failed worker comes back.');

const stop = section({
  drainTimeout: duration()
    .default(30_000)
    .describe('How long requests in flight may take to finish before they end with an error; 0s: none.'),
  streamDrainTimeout: duration().default(30_000).describe('The same for event streams and WebSockets; 0s: none.'),
  grace: duration().default(10_000).describe('Time between SIGTERM and SIGKILL for the process; 0s: none.'),
}).describe('How a worker leaves traffic, and ends.');

const balance = section({
  policy: z
    .enum(['least-outstanding', 'round-robin', 'p2c', 'random', 'hash'])
    .default('least-outstanding')
    .describe(
      'Who gets a request: fewest in flight, each in turn, the better of two, any one, or always the same by hashOn.',
    ),
  hashOn: z
    .string()
    .regex(/^(address|header:.+|cookie:.+)$/, 'accepted: address, header:NAME, cookie:NAME')
    .default('address')
    .describe("What the policy hash goes by: address (the client's), header:NAME or cookie:NAME."),
}).describe('How requests are spread over the workers.');

const waitingRoom = section({
  capacity: count.default(512).describe('Requests that may wait at once; further ones get a 503. 0: none.'),
  deadline: duration().default(30_000).describe('How long a request may wait before it gets a 503.'),
  keepAliveComments: duration()
    .optional()
    .describe(
      'How often event streams that wait get a comment; the first commits the answer to a 200. Left out, or 0s: never.',
    ),
}).describe('Where requests wait when no worker can take them.');

const priorities = section({
  header: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'accepted: the name of a header field')
    .default('X-Understudy-Priority')
    .describe('Header field in which a trusted proxy says live, validation or batch.'),
  trustClients: z.boolean().default(false).describe('Whether that header counts from every client.'),
  routes: z
    .array(
      z.strictObject({
        path: z.string().startsWith('/').describe('What the path of a request begins with.'),
        class: z
          .enum(['live', 'validation', 'batch'])
          .describe('The class of such requests, whatever their header says.'),
      }),
    )
    .default([])
    .describe('Which routes are of which class; the first that fits counts.'),
}).describe('Who goes first when requests have to wait: live before validation before batch.');

const adaptiveLimit = section({
  enabled: z.boolean().default(false).describe('Whether it is on; meant for requests that are alike.'),
  lowest: z.number().int().min(1).default(2).describe('Requests at once below which the limit never goes.'),
  initial: z.number().int().min(1).default(16).describe('The limit of a worker to begin with.'),
  highest: z.number().int().min(1).default(256).describe('Requests at once above which the limit never goes.'),
}).describe("Finds by each worker's latency how many requests at once it can take; further ones wait.");

const deadlines = section({
  clientHead: duration()
    .default(10_000)
    .describe('For a client to send the whole head of a request, once begun; 0s: none.'),
  clientIdle: duration()
    .default(75_000)
    .describe('How long a client connection may be idle before it is closed; 0s: for ever.'),
  connect: duration().default(250).describe('For connecting to a worker; 0s: none.'),
  firstByte: duration()
    .default(120_000)
    .describe('For the first byte of the answer, once the worker has the whole request; 0s: none.'),
  bodyIdle: duration()
    .default(300_000)
    .describe('How long the body of a request or an answer may stand still; 0s: for ever.'),
  upstreamIdle: duration()
    .default(4_000)
    .describe('How long a connection to a worker is kept while idle; less than its server keeps it. 0s: for ever.'),
}).describe('How long clients and workers may take.');

const retry = section({
  budget: share.default(0.2).describe('Repeats as a share of requests, from 0 to 1; three are allowed beforehand.'),
  replayBuffer: byteSize()
    .default(1024 * 1024)
    .describe('Size up to which a request body is kept, to be sent again; one that is larger is not repeated.'),
  safeRoutes: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe('Beginnings of paths whose requests are safe to repeat whatever the method.'),
}).describe('When a failed request is repeated on another worker.');

const limits = section({
  maxHead: byteSize()
    .refine((bytes) => bytes >= SMALLEST_HEAD_BYTES, 'accepted: 1KiB or more')
    .default(16 * 1024)
    .describe('The largest head of a request or an answer; 1KiB or more.'),
  maxFields: z.number().int().min(1).default(100).describe('Most header fields of a request or an answer.'),
  maxBody: byteSize()
    .optional()
    .describe('The largest request body; a larger one gets a 413. Unlimited when it is left out.'),
}).describe('How large requests and answers may be.');

const log = section({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('The least that is logged.'),
  format: z
    .enum(['auto', 'pretty', 'json'])
    .default('auto')
    .describe('How lines look: for people, as JSON, or auto: for people on a terminal, JSON elsewhere.'),
  access: z
    .enum(['off', 'json', 'combined'])
    .default('off')
    .describe('Whether, and how, a line for each request is written to accessFile.'),
  accessFile: z
    .string()
    .min(1)
    .optional()
    .describe("File of the access log, '-' for stdout; access.log in logDir when it is left out."),
  rotateAbove: byteSize()
    .default(16 * 1024 * 1024)
    .describe("Size above which the access log and the workers' own files are rotated."),
  keep: z.number().int().min(1).max(100).default(3).describe('How many older ones of each rotated file are kept.'),
}).describe("Understudy's own log on stderr, the access log, and the rotation of log files.");

const resources = section({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      'Whether it is looked at all; off also turns off what is judged by it: room, memory in budgets, pressure.',
    ),
  interval: interval().default(2_000).describe('How often it is looked.'),
  gpu: z.boolean().default(true).describe('Whether nvidia-smi is asked about GPUs.'),
  gpuTimeout: interval().default(5_000).describe('How long nvidia-smi may take before it is killed.'),
}).describe('What is looked at on this machine (CPU, memory, pressure, GPU), and how often.');

const timeout = interval().default(30_000);
const method = z.string().regex(/^[A-Z]+$/, 'accepted: GET, POST, PUT');
const httpHook = z.strictObject({
  path: requestPath().describe('Path of the request to the worker, with its query.'),
  method: method.default('POST').describe('Its method, such as GET or POST.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Its header fields.'),
  body: z.string().optional().describe('Its body.'),
  expectStatus: status.optional().describe('The one status that is a success; any below 400 when it is left out.'),
  expectBody: z.string().min(1).optional().describe('What the answer must contain.'),
  timeout: timeout.describe('How long its answer may take.'),
});
const commandHook = z.strictObject({
  command: z
    .array(processText)
    .min(1)
    .describe('Program and arguments; {pid} {port} {host} {name} {worker} are filled in. It must exit with 0.'),
  timeout: timeout.describe('How long it may take.'),
});
const hook = z.union([httpHook, commandHook]);

const sleep = z.strictObject({
  demote: hook.describe('Puts a worker to sleep: a request to it, or a command.'),
  promote: hook.describe('Wakes it: a request to it, or a command.'),
  golden: httpHook
    .extend({ method: method.default('GET').describe('Its method, such as GET or POST.') })
    .optional()
    .describe('The request that proves the wake-up; a GET of health.path when it is left out.'),
});

const promises = section({
  hot: duration().default(100).describe('For a standby that runs.'),
  frozen: duration().default(250).describe('For a frozen standby.'),
  asleep: duration().default(10_000).describe('For a standby that sleeps.'),
  cold: duration().default(120_000).describe('For a whole start, compared with the last one.'),
}).describe('How fast a standby is to be back in traffic; doctor compares it with the last rehearsal.');

const pressure = section({
  enabled: z.boolean().default(true).describe('Whether anything is done when memory runs short.'),
  memoryFull: z
    .number()
    .min(0)
    .max(100)
    .default(10)
    .describe('Per cent of the last 10 s in which everything waited for memory (PSI full); 0 is not to look.'),
  memoryAvailable: share.default(0.04).describe('Share of the RAM that must be available, up to 1; 0 is not to look.'),
  gpuMemory: share
    .optional()
    .describe(
      "Share of a GPU's memory that may be used, up to 1; not looked at when it is left out: many servers take it all.",
    ),
  relaxAfter: duration().default(30_000).describe('How long it must be calm before one step is taken back.'),
}).describe(
  'When memory runs short starts pause, the standby freezes and falls asleep, batch requests are shed; in this order.',
);

const budget = section({
  workers: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Most workers that run at once; as many as the largest mode wants when it is left out.'),
  ...amounts.shape,
}).describe('What all workers together may use.');

const expected = section({
  ram: byteSize().optional().describe('RAM of one worker at its peak; learnt when it is left out.'),
  gpuMemory: byteSize().optional().describe('GPU memory of one worker at its peak; learnt when it is left out.'),
}).describe('What one worker needs at its peak: none is started without room for it.');

export const configSchema = z.strictObject({
  front,
  lane: z
    .enum(['auto', 'fast', 'full'])
    .default('auto')
    .describe("What carries requests: our own lane where it can (auto and fast), or Node's server and undici (full)."),
  admin,
  backends: z
    .array(backendSchema)
    .min(1)
    .optional()
    .describe('The pool, in order: a mode takes its active backends from the top, its standby ones after them.'),
  command: z
    .array(processText)
    .min(1)
    .optional()
    .describe(
      'What a worker runs: program and arguments; {port} {host} {name} {worker} {workers} are filled in. Or give app.',
    ),
  app: z
    .string()
    .regex(/^[\w.]+:[\w.]+$/, 'accepted: module:app')
    .optional()
    .describe('What a worker runs: a uvicorn app, as module:app. Or give command.'),
  cwd: z
    .string()
    .optional()
    .describe('Folder in which workers run; the one that Understudy was started in when it is left out.'),
  env: processEnv().describe('Added to the environment of workers.'),
  health,
  modes: z
    .record(name, modeSchema.describe('A shape of the pool.'))
    .refine((modes) => Object.keys(modes).length > 0, 'names no mode; leave it out to have production and validation')
    .optional()
    .describe('The shapes of the pool, by name; production is there whenever validation is named.'),
  mode: z.string().optional().describe('The mode to begin with; production, or else the first, when it is left out.'),
  runtimeDir: z.string().min(1).optional().describe("Folder of this instance's state, lock and admin socket."),
  logDir: z
    .string()
    .min(1)
    .optional()
    .describe("Folder of the workers' output and of the access log; logs in runtimeDir when it is left out."),
  budget,
  expected,
  resources,
  sleep: sleep.optional().describe('How a standby falls asleep and wakes, for modes with the temperature asleep.'),
  promises,
  pressure,
  restart,
  stop,
  startTimeout: duration()
    .default(300_000)
    .describe('How long a starting worker may go without progress; 0s: for ever.'),
  failbackAfter: duration()
    .default(10_000)
    .describe(
      'How long lost workers must be back before the standby that stood in for them rests again; 0s: not at all.',
    ),
  rehearseEvery: duration().default(60_000).describe('How often each standby is tried; 0s: never.'),
  balance,
  maxInflightPerWorker: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Requests that a worker gets at once at most; further ones wait. Unlimited when it is left out.'),
  adaptiveLimit,
  slowStart: duration()
    .default(10_000)
    .describe(
      'Time in which a fresh worker gets few requests at once at first, and then its full share; 0s turns it off.',
    ),
  waitingRoom,
  priorities,
  deadlines,
  retry,
  trustedProxies: z
    .array(z.string())
    .default([])
    .describe('Addresses and networks, such as 10.0.0.0/8, whose X-Forwarded-* fields and PROXY headers are believed.'),
  limits,
  upgrades: z.array(z.string()).default(['websocket']).describe('Protocols that connections may be upgraded to.'),
  log,
});

export type ConfigInput = z.input<typeof configSchema>;
export type ParsedConfig = z.output<typeof configSchema>;
