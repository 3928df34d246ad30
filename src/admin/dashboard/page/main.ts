// The dashboard's page: looks at the status each second and shows what has become of it.

import { added, ratesOf, type Look, type Rate, type Rates } from '../../rates.js';
import type { StatusView } from '../../status-view.js';
import { Chart, type Value } from './charts.js';
import { byId, say } from './elements.js';
import { followEvents } from './events.js';
import { Operator } from './operator.js';
import { showOverview } from './overview.js';
import { WorkerTable } from './worker-table.js';

const LOOK_EVERY_MS = 1_000;
/** A process that is stopped, or hangs, takes connections and never answers. */
const PATIENCE_MS = 3_000;
const NONE: Rate = { requests: 0, failures: 0 };

const operator = new Operator();
const table = new WorkerTable((backend, action) => operator.act(backend, action));
const requests = new Chart(byId('requests'));
const load = new Chart(byId('load'));
const machine = new Chart(byId('machine'), 100);
const charts = [requests, load, machine];
let before: Look | undefined;

followEvents();
await look();

async function look(): Promise<void> {
  try {
    const answer = await fetch('/v1/status', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
    show({ status: (await answer.json()) as StatusView, atMs: performance.now() });
    lost('');
  } catch {
    before = undefined;
    for (const chart of charts) chart.addGap(Date.now() / 1000);
    lost('no answer: the instance has ended, or is handing over to a new one');
  }
  // In a tab that nobody sees browsers slow this down by themselves.
  setTimeout(() => void look(), LOOK_EVERY_MS);
}

function show(now: Look): void {
  const { status } = now;
  const rates = ratesOf(now, before);
  before = now;
  showOverview(status, rates);
  table.show(status, rates);
  operator.show(status);
  const atSeconds = Date.now() / 1000;
  requests.add(atSeconds, requestsByBackend(status, rates));
  load.add(atSeconds, { 'in flight': status.front.inflight, waiting: status.front.waiting });
  machine.add(atSeconds, machineShares(status));
}

function requestsByBackend({ backends }: StatusView, rates: Rates | undefined): Record<string, Value> {
  return Object.fromEntries(
    backends.map(({ name, workers }) => {
      const own = workers.map(({ id }) => rates?.workers.get(id) ?? NONE).reduce(added, NONE);
      return [name, rates === undefined ? null : own.requests];
    }),
  );
}

function machineShares({ resources }: StatusView): Record<string, Value> {
  if (resources === null) return { CPU: null, memory: null };
  const { cpuShare, memory } = resources.machine;
  const shares = { CPU: percent(cpuShare), memory: percent(1 - memory.availableBytes / memory.totalBytes) };
  const devices = resources.gpu.state === 'seen' ? resources.gpu.devices : [];
  return {
    ...shares,
    ...Object.fromEntries(devices.map(({ index, busyShare }) => [`GPU ${index}`, percent(busyShare)])),
  };
}

function percent(share: number | undefined): Value {
  return share === undefined ? null : share * 100;
}

function lost(why: string): void {
  const place = byId('link');
  say(place, why);
  place.hidden = why === '';
  place.className = 'bad';
}
