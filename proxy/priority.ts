// How urgent a request is: live traffic goes before validation, validation before batch, when there is not room for all.
// A declared route decides first; then the header, if the client is one whose word counts. Pure.

export const PRIORITIES = ['live', 'validation', 'batch'] as const;

export type Priority = (typeof PRIORITIES)[number];

export interface PriorityOptions {
  /** Lower-case name of the header that names the class. */
  readonly header: string;
  /** Whether the header counts from anyone; else from trusted proxies alone. */
  readonly trustClients: boolean;
  readonly routes: readonly { readonly path: string; readonly class: Priority }[];
}

export const defaultPriorityOptions: PriorityOptions = {
  header: 'x-understudy-priority',
  trustClients: false,
  routes: [],
};

export interface PriorityFacts {
  /** The raw path. */
  readonly path: string;
  /** What the header says, if anything. */
  readonly claimed: string | undefined;
  /** The peer is one of the trusted proxies. */
  readonly trusted: boolean;
}

/** Routes are path prefixes; the first that fits counts. An unknown class is none. */
export function priorityOf({ path, claimed, trusted }: PriorityFacts, options: PriorityOptions): Priority {
  for (const route of options.routes) if (path.startsWith(route.path)) return route.class;
  if (claimed === undefined || !(trusted || options.trustClients)) return 'live';
  const lowered = claimed.trim().toLowerCase();
  return PRIORITIES.find((priority) => priority === lowered) ?? 'live';
}
