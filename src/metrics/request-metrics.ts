// What is counted of each request, in the data path: a few additions on numbers that are found without hashing labels.
// What a request is asked for (its path) is never a label.

import type { Registry } from 'prom-client';
import type { EndedBy, ProxyObserver, RequestRecord } from '../../proxy/index.js';
import { Distribution } from './distribution.js';
import { LabelledCount, registerFamily, type Sample } from './family.js';

const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'];
const ENDED_BY: Readonly<Record<EndedBy, number>> = { served: 0, client: 1, upstream: 2, proxy: 3 };
const ENDED_BY_NAMES = Object.keys(ENDED_BY);

/** The requests of one upstream. */
class UpstreamRequests {
  /** By status class, then by who ended it. */
  readonly counts = new Float64Array(STATUS_CLASSES.length * ENDED_BY_NAMES.length);
  readonly duration = new Distribution(SECONDS_BOUNDS);
  readonly firstByte = new Distribution(SECONDS_BOUNDS);
}

export class RequestMetrics implements ProxyObserver {
  readonly #byUpstream = new Map<string, UpstreamRequests>();
  readonly #queued = new Distribution(SECONDS_BOUNDS);
  readonly #problems = new LabelledCount('code');
  readonly #repeats = new LabelledCount('cause');
  readonly #refusedRepeats = new LabelledCount('reason');
  readonly #refusedConnections = new LabelledCount('reason');
  #bytesIn = 0;
  #bytesOut = 0;

  onRequest(record: RequestRecord): void {
    const upstream = this.#requestsOf(record.upstream ?? 'none');
    const statusClass = Math.min(4, Math.max(0, Math.floor(record.status / 100) - 1));
    upstream.counts[statusClass * ENDED_BY_NAMES.length + ENDED_BY[record.endedBy]]! += 1;
    upstream.duration.observe(record.durationMs / 1000);
    if (record.firstByteMs !== undefined) upstream.firstByte.observe(record.firstByteMs / 1000);
    this.#queued.observe(record.queuedMs / 1000);
    this.#bytesIn += record.bytesIn;
    this.#bytesOut += record.bytesOut;
    if (record.code !== undefined) this.#problems.add(record.code);
  }

  onRepeat(cause: string): void {
    this.#repeats.add(cause);
  }

  onRepeatRefused(reason: string): void {
    this.#refusedRepeats.add(reason);
  }

  onConnectionRefused(reason: string): void {
    this.#refusedConnections.add(reason);
  }

  register(registry: Registry): void {
    const counter = (name: string, help: string, read: () => readonly Sample[]) =>
      registerFamily(registry, { name, help, type: 'counter', read });
    counter('understudy_requests_total', 'Requests by upstream, status class and who ended them', () =>
      [...this.#byUpstream].flatMap(([upstream, { counts }]) => requestSamples(upstream, counts)),
    );
    counter('understudy_request_bytes_total', 'Bytes of request bodies from clients', () => [{ value: this.#bytesIn }]);
    counter('understudy_response_bytes_total', 'Bytes of response bodies to clients', () => [
      { value: this.#bytesOut },
    ]);
    counter('understudy_problems_total', 'Answers and breaks of our own, by code', () => this.#problems.samples());
    counter('understudy_repeats_total', 'Attempts made again, by what failed', () => this.#repeats.samples());
    counter('understudy_repeats_refused_total', 'Repeats not made, by reason', () => this.#refusedRepeats.samples());
    counter('understudy_connections_refused_total', 'Connections closed before a request, by reason', () =>
      this.#refusedConnections.samples(),
    );
    this.#registerHistograms(registry);
  }

  #registerHistograms(registry: Registry): void {
    const histogram = (name: string, help: string, read: (name: string) => readonly Sample[]) =>
      registerFamily(registry, { name, help, type: 'histogram', read: () => read(name) });
    const perUpstream = (what: 'duration' | 'firstByte') => (name: string) =>
      [...this.#byUpstream].flatMap(([upstream, requests]) => requests[what].samples(name, { upstream }));
    histogram('understudy_request_duration_seconds', 'From the head to the end of the answer', perUpstream('duration'));
    histogram(
      'understudy_first_byte_seconds',
      'From the head to the first byte of the answer',
      perUpstream('firstByte'),
    );
    histogram('understudy_queue_seconds', 'From the head until an upstream was there', (name) =>
      this.#queued.samples(name),
    );
  }

  #requestsOf(upstream: string): UpstreamRequests {
    const known = this.#byUpstream.get(upstream);
    if (known !== undefined) return known;
    const fresh = new UpstreamRequests();
    this.#byUpstream.set(upstream, fresh);
    return fresh;
  }
}

/** Only what has happened: a series appears with its first request. */
function requestSamples(upstream: string, counts: Float64Array): Sample[] {
  return [...counts].flatMap((value, index) => {
    const status = STATUS_CLASSES[Math.floor(index / ENDED_BY_NAMES.length)]!;
    const endedBy = ENDED_BY_NAMES[index % ENDED_BY_NAMES.length]!;
    return value === 0 ? [] : [{ labels: { upstream, status, ended_by: endedBy }, value }];
  });
}
