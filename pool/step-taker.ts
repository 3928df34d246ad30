// Turns a planned step into the worker's own move, with the reason that people will read.
import type { Step } from './plan-input.js';
import type { Why } from './why.js';
import type { Worker } from './worker.js';

/** @param why what led to this turn of the manager; the step adds the rule that it follows. */
export function takeStep(worker: Worker, step: Step, why: Why): void {
  switch (step.kind) {
    case 'promote':
      return worker.promote({ ...why, rule: PROMOTION_RULES[step.reason] }, { standsIn: step.reason !== 'mode' });
    case 'start':
      return worker.start({ ...why, rule: 'the mode wants it running' });
    case 'rest':
      return worker.rest({ ...why, rule: 'a standby waits, proven, until it is needed' });
    case 'freeze':
      return worker.freeze({ ...why, rule: 'a frozen standby costs no CPU' });
    case 'thaw':
      return worker.thaw({ ...why, rule: 'the mode wants its standby running' });
    case 'sleep':
      return worker.sleep({ ...why, rule: 'a standby that sleeps holds no GPU memory' });
    case 'wake':
      return worker.wake({ ...why, rule: 'it is called, and takes requests once it has proved that it woke' });
    case 'drain':
      return worker.drain(step.next, { ...why, rule: `what serves meets the mode without it; it goes ${step.next}` });
    case 'stop':
      return worker.stop({ ...why, rule: 'it is not wanted, or must be replaced, and serves nobody' });
    case 'forget':
      return worker.forget({ ...why, rule: 'the mode does not want it' });
  }
}

const PROMOTION_RULES = {
  mode: 'the mode wants it in traffic',
  deficit: 'usable capacity is below what the mode promises: the standby fills it at once',
  cover: 'it covers for a worker that is about to be drained',
} as const;

/** One line for a plan or a progress report. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'promote':
      return `${step.id} into traffic (${step.reason})`;
    case 'drain':
      return `drain ${step.id}, then ${step.next}`;
    default:
      return `${step.kind} ${step.id}`;
  }
}
