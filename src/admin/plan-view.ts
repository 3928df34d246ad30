// What a switch would do, for `--dry-run`.

export interface PlanView {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly string[];
  readonly processes: { readonly before: number; readonly peak: number; readonly after: number };
}
