// The runtime that works on the real machine: children by a launcher, probes over HTTP, vitals from /proc.
import type { Clock } from '../src/core/clock.js';
import type { Random } from '../src/core/random.js';
import { adoptProcess } from './adopted-process.js';
import { Launcher } from './launcher.js';
import { findFreePort, findPortHolder } from './port-probe.js';
import { probeHttp } from './prober.js';
import { isStopped } from './process-table.js';
import { Remains } from './remains.js';
import { runHook } from './sleep-hooks.js';
import { readTreeVitals } from './resources/process-tree.js';
import { runningHere, type RunProgram } from './resources/run-with-deadline.js';
import { prioritiseTree } from './resources/tree-priority.js';
import { WorkerCgroups } from './resources/worker-cgroups.js';
import type { WorkerRuntime } from './worker-runtime.js';

export function createSystemRuntime({ clock, random }: { clock: Clock; random: Random }): WorkerRuntime {
  const cgroups = new WorkerCgroups();
  const launcher = new Launcher(clock);
  const remains = new Remains(clock);
  const runHere = runningHere(clock);
  // A launcher is not worth its memory for that alone.
  const run: RunProgram = (command, deadlineMs) =>
    launcher.pid === undefined ? runHere(command, deadlineMs) : launcher.run(command, deadlineMs);
  return {
    open: () => launcher.open(),
    close: () => launcher.close(),
    run,
    launch: async (spec) => remains.watch(await launcher.launch(spec)),
    adopt: (identity) => remains.watch(adoptProcess(identity, clock)),
    remainsGone: () => remains.gone(),
    findPort: (host, { inUse }) => findFreePort(host, inUse, random),
    portHolder: findPortHolder,
    runHook: (hook, target) => runHook(hook, target, { clock, run }),
    probe: (address, options) => probeHttp(address, options, clock),
    isStopped: ({ pid }) => pid !== undefined && isStopped(pid),
    pushOut: ({ pid }, isWanted) =>
      pid === undefined ? Promise.resolve({ refused: 'it has no process' }) : cgroups.pushOut(pid, isWanted),
    whyWeightless: () => cgroups.refused,
    prioritise: async ({ pid }, { weight, ...rest }) => {
      if (pid === undefined) return [];
      const refused = weight === undefined ? undefined : cgroups.weigh(pid, weight);
      return [...(refused === undefined ? [] : [refused]), ...(await prioritiseTree(pid, rest, { clock, run }))];
    },
    vitals: ({ pid }) => (pid === undefined ? undefined : readTreeVitals(pid)),
  };
}
