// The names that dashboards and alerts rely on: each is there on a running instance, by its type and its labels.
import { afterEach, expect, test } from '@jest/globals';
import { UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

const FAMILIES: readonly (readonly [name: string, type: string, labels: readonly string[]])[] = [
  ['understudy_requests_total', 'counter', ['upstream', 'status', 'ended_by']],
  ['understudy_request_duration_seconds', 'histogram', ['upstream', 'le']],
  ['understudy_first_byte_seconds', 'histogram', ['upstream', 'le']],
  ['understudy_queue_seconds', 'histogram', ['le']],
  ['understudy_repeats_total', 'counter', ['cause']],
  ['understudy_waiting_requests', 'gauge', []],
  ['understudy_inflight_requests', 'gauge', []],
  ['understudy_breaker_state', 'gauge', ['worker', 'state']],
  ['understudy_promotions_total', 'counter', ['backend']],
  ['understudy_promotion_routed_seconds', 'gauge', ['backend']],
  ['understudy_promotion_proven_seconds', 'gauge', ['backend']],
  ['understudy_worker_failures_total', 'counter', ['backend']],
  ['understudy_mode', 'gauge', ['mode']],
  ['understudy_converged', 'gauge', []],
  ['understudy_leases', 'gauge', []],
  ['understudy_backend_role', 'gauge', ['backend', 'role']],
  ['understudy_worker_state', 'gauge', ['worker', 'state']],
  ['understudy_worker_restarts', 'gauge', ['worker']],
  ['understudy_worker_resident_bytes', 'gauge', ['worker']],
  ['understudy_machine_cpu_share', 'gauge', []],
  ['understudy_machine_memory_available_bytes', 'gauge', []],
  ['understudy_nodejs_eventloop_lag_seconds', 'gauge', []],
  ['understudy_process_cpu_seconds_total', 'counter', []],
  ['understudy_process_resident_memory_bytes', 'gauge', []],
];

/** Label names by sample name, and types by family name, of what is exposed. */
function read(exposed: string) {
  const types = new Map([...exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const labels = new Map<string, readonly string[]>();
  for (const [, name = '', list = ''] of exposed.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    labels.set(
      name,
      [...list.matchAll(/(\w+)="/g)].map(([, label]) => label!),
    );
  }
  return { types, labels };
}

test('the metrics have their names, types and labels once a worker was lost, a standby promoted and a request repeated', async () => {
  instance = await UnderstudyProcess.start({
    args: ['--validation'],
    config: { restart: { crashLoopLimit: 1 } },
  });
  // One that is in flight on each worker, so that the lost one has one to be repeated.
  const requests = Array.from({ length: 8 }, () => fetch(`${instance.url}/slow?ms=500`));
  await instance.waitForStatusChange(({ front }) => front.inflight === 8);
  const [victim] = await instance.workerPids('active');
  process.kill(victim!, 'SIGKILL');
  expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(Array(8).fill(200));
  await instance.waitForStatus(({ backends }) => backends[2]!.promotion?.provenMs !== undefined);
  // The first sample of the resources that saw the workers.
  await instance.waitForStatusChange(({ resources }) => (resources?.workers.length ?? 0) > 0);

  const { types, labels } = read(await (await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`)).text());
  for (const [name, type, names] of FAMILIES) {
    const sample = type === 'histogram' ? `${name}_bucket` : name;
    expect({ name, type: types.get(name), labels: labels.get(sample) }).toEqual({ name, type, labels: names });
  }
});
