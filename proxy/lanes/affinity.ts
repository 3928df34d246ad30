// What sticky balancing goes by: `address`, `header:<name>` or `cookie:<name>`; the address where that is missing.

import { fieldOf } from '../http1/field-of.js';
import type { RequestHeadParser } from '../http1/request-head.js';
import type { ProxyOptions } from '../options.js';

/** Of the request whose head the parser has just completed. Costs nothing under policies that do not ask for it. */
export function affinityOf(head: RequestHeadParser, clientAddress: string, balance: ProxyOptions['balance']): string {
  if (balance.policy !== 'hash' || balance.hashOn === 'address') return clientAddress;
  const separator = balance.hashOn.indexOf(':');
  const kind = balance.hashOn.slice(0, separator);
  const name = balance.hashOn.slice(separator + 1);
  if (kind === 'header') return fieldOf(head, name.toLowerCase()) ?? clientAddress;
  return cookieValue(fieldOf(head, 'cookie') ?? '', name) ?? clientAddress;
}

/** RFC 6265 section 4.2.1. */
export function cookieValue(cookies: string, name: string): string | undefined {
  const prefix = `${name}=`;
  const pair = cookies.split(';').find((part) => part.trimStart().startsWith(prefix));
  return pair?.trim().slice(prefix.length);
}
