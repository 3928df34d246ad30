// Parts of the status in a few words, for people: the same in a table, in `top` and on the dashboard. Free of Node: the
// dashboard's page has it too.

import type { GpuDevice, ProcessUsage } from '../core/resource-reading.js';
import type { LoggedEvent } from './logged-event.js';
import { coresText, gibibytesText, mebibytesText, shareText } from './quantity-text.js';
import type { BackendStatus, StatusView } from './status-view.js';

export function describeRole({ role, temperature }: BackendStatus): string {
  return role === 'standby' ? `standby (${temperature ?? '?'})` : role;
}

/** Undefined for an event in which nothing moved. */
export function describeMove({ from, to, temperature }: LoggedEvent): string | undefined {
  if (from === undefined) return undefined;
  return `${from} -> ${to ?? '?'}${temperature === undefined ? '' : ` (${temperature})`}`;
}

/** Where clients find it. */
interface Front extends Pick<StatusView['front'], 'host' | 'port'> {
  readonly tls: object | null;
}

export function frontUrl({ host, port, tls }: Front): string {
  return `${tls === null ? 'http' : 'https'}://${hostInUrl(host)}:${port}`;
}

/** RFC 3986 section 3.2.2: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export function describeFront(front: Front & Pick<StatusView['front'], 'socket'>): string {
  return `${frontUrl(front)}${front.socket === null ? '' : ` and ${front.socket}`}`;
}

export function describeLoad({ inflight, waiting }: StatusView['front']): string {
  return `${inflight} in flight, ${waiting} waiting`;
}

/** Undefined when nothing is done about it. */
export function describePressure({ acts, evidence }: StatusView['pressure']): string | undefined {
  return acts.length === 0 ? undefined : `short: ${acts.join(', ')} (${evidence ?? '?'})`;
}

export function describeGpu({ name, busyShare, memoryUsedBytes, memoryTotalBytes }: GpuDevice): string {
  return `${name}: ${shareText(busyShare)} busy, ${gibibytesText(memoryUsedBytes)} of ${gibibytesText(memoryTotalBytes)} used`;
}

export function describeUsage({ cores, residentBytes }: ProcessUsage): string {
  return `${coresText(cores)} cores, ${mebibytesText(residentBytes)}`;
}
