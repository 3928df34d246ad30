// What a switch would do, for `--dry-run`: its steps, and what they cost in processes and memory.

export interface Cost {
  readonly processes: number;
  /** Null while nothing runs that could be measured. */
  readonly memoryBytes: number | null;
}

export interface PlanStage extends Cost {
  readonly step: string;
}

export interface PlanView {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly string[];
  readonly processes: { readonly before: number; readonly peak: number; readonly after: number };
  readonly memoryBytes: { readonly before: number | null; readonly peak: number | null; readonly after: number | null };
  /** Each step with what runs once it is done. */
  readonly stages: readonly PlanStage[];
}
