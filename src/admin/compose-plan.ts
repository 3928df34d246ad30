// The planned steps with their costs. Memory is measured for workers that run and expected, like that of their fellows,
// for those that don't yet. Pure.

import { describeStep, type SwitchPlan } from '../../pool/index.js';
import type { PlanStage, PlanView } from './plan-view.js';

/** @param measured bytes by worker, for those with a process. */
export function composePlan(plan: SwitchPlan, measured: ReadonlyMap<string, number>): PlanView {
  const { from, to, steps, processes, running } = plan;
  const memoryOf = (ids: readonly string[]) => expectMemory(ids, measured);
  return {
    from: from ?? 'nothing',
    to,
    steps: steps.map(describeStep),
    processes,
    memoryBytes: {
      before: memoryOf(running.before),
      peak: memoryOf(running.peak),
      after: memoryOf(running.after),
    },
    stages: composeStages(plan, memoryOf),
  };
}

function composeStages(
  { steps, running }: SwitchPlan,
  memoryOf: (ids: readonly string[]) => number | null,
): PlanStage[] {
  const ids = new Set(running.before);
  return steps.map((step) => {
    if (step.kind === 'start') ids.add(step.id);
    if (step.kind === 'stop' || (step.kind === 'drain' && step.next === 'off')) ids.delete(step.id);
    return { step: describeStep(step), processes: ids.size, memoryBytes: memoryOf([...ids]) };
  });
}

function expectMemory(ids: readonly string[], measured: ReadonlyMap<string, number>): number | null {
  if (measured.size === 0) return null;
  return Math.round(ids.reduce((total, id) => total + (measured.get(id) ?? likeItsFellows(id, measured)), 0));
}

/** The mean of its own backend's workers, else of all. */
function likeItsFellows(id: string, measured: ReadonlyMap<string, number>): number {
  const backend = id.slice(0, id.lastIndexOf('/') + 1);
  const fellows = [...measured].filter(([other]) => other.startsWith(backend)).map(([, bytes]) => bytes);
  const sample = fellows.length > 0 ? fellows : [...measured.values()];
  return sample.reduce((total, bytes) => total + bytes, 0) / sample.length;
}
