// Everything that is wrong with a config, told at once: where, what, and what is accepted.

import { UnderstudyError } from '../core/errors.js';
import { withoutControls } from './shown-value.js';

export interface ConfigProblem {
  /** Dotted path such as `health.interval`, a variable's name, or a flag. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

export class ConfigError extends UnderstudyError {
  readonly problems: readonly ConfigProblem[];

  constructor(source: string, problems: readonly ConfigProblem[]) {
    super(formatProblems(source, problems), { code: 'config-invalid', source: 'operator' });
    this.problems = problems;
  }
}

/** A heading with their number, then one line each. */
export function formatProblems(source: string, problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [`${count} in ${source}:`, ...problems.map(formatProblem)].join('\n');
}

function formatProblem({ path, message, suggestion }: ConfigProblem): string {
  const hint = suggestion === undefined ? '' : `. Did you mean '${suggestion}'?`;
  return `  ${path === '' ? '(top level)' : withoutControls(path)}: ${message}${hint}`;
}
