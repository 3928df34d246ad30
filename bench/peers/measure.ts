// One case with every peer: all started, warmed up, then measured in turn, round after round, so that a slow spell of
// the machine hits all alike. Those whose turn it is not are frozen: what they do when idle is not for others to pay.

import { BenchChild, temporaryFolder, waitListening } from '../support/children.js';
import { freePorts } from '../../src/core/free-ports.js';
import { resetTreePeak, treeCpuMicroseconds, treePeakResidentKiB } from '../support/process-usage.js';
import type { Case, CaseResult, StartedCase } from './cases.js';
import type { Peer } from './peer.js';

export interface Sample extends CaseResult {
  readonly cpuMicroseconds: number;
  /** Share of the proxy's core that it used: near 1 where the proxy itself is the limit. */
  readonly busy: number;
  readonly peakResidentKiB: number;
}

export interface MeasureOptions {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly pinTo: string | undefined;
}

interface RunningPeer {
  readonly port: number;
  readonly child: BenchChild | undefined;
}

const WARM_UP_SECONDS = 10;
/** What is compared are days of service, not the half minute in which V8 compiles, here on the core that also serves. */
const COMPILING_SECONDS = 30;
/** After it was frozen: its checks find the upstream again, its connections are made anew. */
const WAKE_UP_SECONDS = 1;

export async function measureCase(test: Case, options: MeasureOptions): Promise<ReadonlyMap<Peer, readonly Sample[]>> {
  const { target, run } = await test.start();
  const samples = new Map<Peer, Sample[]>(options.peers.map((peer) => [peer, []]));
  const start = (peer: Peer) => startPeer(peer, test, { upstreamPort: target.port, pinTo: options.pinTo });
  const running = new Map<Peer, RunningPeer>();
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [peer, own] of samples) {
        const known = running.get(peer);
        const one = known ?? (await start(peer));
        known?.child?.thaw();
        if (!test.fresh) {
          running.set(peer, one);
          const seconds = known === undefined ? warmUpSeconds(peer) : WAKE_UP_SECONDS;
          await run({ ...identity(one), seconds, onBegin: () => undefined });
        }
        own.push(await measureOnce(run, one, options.seconds));
        if (test.fresh) await one.child?.stop();
        else one.child?.freeze();
      }
    }
  } finally {
    for (const { child } of running.values()) await child?.stop();
    await target.stop();
  }
  return samples;
}

function warmUpSeconds({ compiles }: Peer): number {
  return compiles === true ? COMPILING_SECONDS : WARM_UP_SECONDS;
}

async function startPeer(
  peer: Peer,
  { streaming }: Case,
  { upstreamPort, pinTo }: { readonly upstreamPort: number; readonly pinTo: string | undefined },
): Promise<RunningPeer> {
  const [port] = await freePorts(1);
  const folder = temporaryFolder();
  const command = peer.command({ port: port!, upstreamPort, folder, streaming });
  if (command === undefined) return { port: upstreamPort, child: undefined };
  const child = new BenchChild(command, { pinTo, cwd: folder, env: { HOME: folder, XDG_DATA_HOME: folder } });
  await waitListening(child, port!);
  return { port: port!, child };
}

async function measureOnce(run: StartedCase['run'], peer: RunningPeer, seconds: number): Promise<Sample> {
  const pid = peer.child?.pid;
  let cpuBefore = 0;
  let startedAt = 0;
  const onBegin = () => {
    startedAt = performance.now();
    if (pid === undefined) return;
    resetTreePeak(pid);
    cpuBefore = treeCpuMicroseconds(pid);
  };
  const result = await run({ ...identity(peer), seconds, onBegin });
  const cpu = pid === undefined ? 0 : treeCpuMicroseconds(pid) - cpuBefore;
  return {
    ...result,
    cpuMicroseconds: cpu / result.requests,
    busy: cpu / ((performance.now() - startedAt) * 1000),
    peakResidentKiB: pid === undefined ? 0 : treePeakResidentKiB(pid),
  };
}

function identity({ port, child }: RunningPeer): { readonly port: number; readonly pid: number | undefined } {
  return { port, pid: child?.pid };
}
