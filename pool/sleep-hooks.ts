// How a standby is put to sleep and woken: by a request to the worker itself (vLLM's /sleep and /wake_up) or by a command
// beside it (cuda-checkpoint). Each has a deadline; a golden request afterwards proves that it woke as itself.
import { Agent, request } from 'undici';
import type { Clock } from '../src/core/clock.js';
import { errorCode, errorMessage } from '../src/core/errors.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import type { RunProgram } from './resources/run-with-deadline.js';

export interface HttpHook {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: any below 400. */
  readonly expectStatus?: number;
  /** What the answer must contain. */
  readonly expectBody?: string;
  readonly timeoutMs: number;
}

export interface CommandHook {
  /** With `{pid} {port} {host} {name} {worker}` filled in. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export type Hook = HttpHook | CommandHook;

export interface SleepHooks {
  readonly demote: Hook;
  readonly promote: Hook;
  /** A request whose answer only a working application can give. */
  readonly golden: HttpHook;
}

export interface HookTarget {
  readonly pid: number | undefined;
  readonly address: UpstreamAddress;
  readonly name: string;
  readonly worker: number;
}

const MAX_BODY_BYTES = 1024 * 1024;

/** Resolves with what went wrong, in words; with undefined when it is done. Never rejects, never hangs. */
export function runHook(
  hook: Hook,
  target: HookTarget,
  { clock, run }: { readonly clock: Clock; readonly run: RunProgram },
): Promise<string | undefined> {
  return 'command' in hook ? runCommandHook(hook, target, run) : runHttpHook(hook, target, clock);
}

async function runCommandHook(hook: CommandHook, target: HookTarget, run: RunProgram): Promise<string | undefined> {
  const command = hook.command.map((part) => fillPart(part, target));
  const result = await run(command, hook.timeoutMs);
  const shown = command.join(' ');
  switch (result.kind) {
    case 'exited': {
      if (result.code === 0) return undefined;
      const said = (result.stderr.trim() || result.stdout.trim()).split('\n').at(-1) ?? '';
      return `\`${shown}\` ended with code ${result.code ?? 'unknown'}${said === '' ? '' : `: ${said}`}`;
    }
    case 'not-found':
      return `\`${shown}\`: there is no such program`;
    case 'unrunnable':
      return `\`${shown}\` could not be run (${result.reason})`;
    case 'overdue':
      return `\`${shown}\` did not end within ${hook.timeoutMs} ms`;
    case 'too-much-output':
      return `\`${shown}\` wrote without end`;
  }
}

function fillPart(part: string, { pid, address, name, worker }: HookTarget): string {
  const host = address.kind === 'tcp' ? address.host : '';
  const port = address.kind === 'tcp' ? address.port : '';
  const values: Readonly<Record<string, string | number | undefined>> = { pid, host, port, name, worker };
  return part.replace(/\{(pid|host|port|name|worker)\}/g, (_, key: string) => String(values[key] ?? ''));
}

async function runHttpHook(hook: HttpHook, { address }: HookTarget, clock: Clock): Promise<string | undefined> {
  const { method, path, headers, body, timeoutMs } = hook;
  const shown = `${method} ${path}`;
  const deadline = new AbortController();
  const timer = clock.startTimer(timeoutMs, () => deadline.abort());
  const agent = agentFor(address);
  try {
    const answer = await request(urlOf(address, path), {
      dispatcher: agent,
      method: method as 'POST',
      signal: deadline.signal,
      headers: { 'user-agent': 'understudy-hook', ...headers },
      // Deadlines are ours: a wake-up may take minutes before its first byte.
      headersTimeout: 0,
      bodyTimeout: 0,
      reset: true,
      ...(body === undefined ? {} : { body }),
    });
    const complaint = judgeAnswer(hook, answer.statusCode, await readText(answer.body));
    return complaint === undefined ? undefined : `${shown} ${complaint}`;
  } catch (error) {
    if (deadline.signal.aborted) return `${shown} was not answered within ${timeoutMs} ms`;
    return `${shown} failed (${errorCode(error) ?? errorMessage(error)})`;
  } finally {
    timer.cancel();
    void agent.destroy();
  }
}

function agentFor(address: UpstreamAddress): Agent {
  return new Agent(address.kind === 'unix' ? { connect: { socketPath: address.path } } : {});
}

function urlOf(address: UpstreamAddress, path: string): string {
  if (address.kind === 'unix') return `http://localhost${path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}${path}`;
}

function judgeAnswer({ expectStatus, expectBody }: HttpHook, status: number, text: string): string | undefined {
  const isExpected = expectStatus === undefined ? status < 400 : status === expectStatus;
  if (!isExpected) return `was answered ${status}${expectStatus === undefined ? '' : `, not ${expectStatus}`}`;
  if (expectBody !== undefined && !text.includes(expectBody)) {
    return `was answered ${status} without ${JSON.stringify(expectBody)}: ${JSON.stringify(text.slice(0, 120))}`;
  }
  return undefined;
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
