// What a reload changed, as the API answers it.

export interface ReloadReport {
  /** Values as JSON, by dotted path. */
  readonly changes: readonly { readonly path: string; readonly before?: string; readonly after?: string }[];
  /** Names of backends whose workers were started, ended, or drained and replaced. */
  readonly backends: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly replaced: readonly string[];
  };
}
