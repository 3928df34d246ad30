// What a proxy that is measured must provide: a command for one that listens on a port and has one upstream. All do the
// same work where they can: kept-alive upstream connections, X-Forwarded-For, a request id, a health-checked upstream,
// no access log.

export interface PeerSetup {
  readonly port: number;
  readonly upstreamPort: number;
  /** Its own, for its config file and whatever else it writes. */
  readonly folder: string;
  /** Bodies must flow as they come, never collected. */
  readonly streaming: boolean;
}

export interface Peer {
  readonly name: string;
  /** The program that must be installed. */
  readonly needs?: string;
  /** It compiles what it runs, and is as fast as it gets after hundreds of thousands of requests. */
  readonly compiles?: boolean;
  /** Writes what it needs into the folder; undefined for no proxy at all. */
  readonly command: (setup: PeerSetup) => readonly string[] | undefined;
}
