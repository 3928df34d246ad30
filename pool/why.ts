// The reason that every change carries, in words for people.

export interface Why {
  /** What made it so. */
  readonly cause: string;
  /** What was seen. */
  readonly evidence?: string;
  /** Which rule then applied. */
  readonly rule?: string;
}
