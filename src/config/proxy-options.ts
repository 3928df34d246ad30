// The config in the data plane's words.

import type { ProxyOptions } from '../../proxy/index.js';
import type { CertificateReading } from './certificate-files.js';
import type { Config } from './config.js';
import { orNever } from './quantities.js';

/** @param tls what is in the files that `front.tls` names. */
export function toProxyOptions(config: Config, tls?: CertificateReading): ProxyOptions {
  const { deadlines, retry, limits, priorities } = config;
  const { socket, socketMode, ...front } = config.front;
  const { enabled, ...gradient } = config.adaptiveLimit;
  return {
    front: {
      ...front,
      tls,
      socket: socket === undefined ? undefined : { path: socket, mode: parseInt(socketMode, 8) },
    },
    lane: config.lane,
    balance: config.balance,
    maxInflightPerWorker: config.maxInflightPerWorker,
    adaptiveLimit: enabled ? gradient : undefined,
    slowStartMs: config.slowStart,
    waitingRoom: {
      capacity: config.waitingRoom.capacity,
      deadlineMs: config.waitingRoom.deadline,
      keepAliveCommentsMs:
        config.waitingRoom.keepAliveComments === 0 ? undefined : config.waitingRoom.keepAliveComments,
    },
    priorities: { ...priorities, header: priorities.header.toLowerCase() },
    deadlines: {
      clientHeadMs: orNever(deadlines.clientHead),
      clientIdleMs: orNever(deadlines.clientIdle),
      connectMs: orNever(deadlines.connect),
      firstByteMs: orNever(deadlines.firstByte),
      bodyIdleMs: orNever(deadlines.bodyIdle),
      upstreamIdleMs: orNever(deadlines.upstreamIdle),
    },
    retry: { budgetShare: retry.budget, replayBufferBytes: retry.replayBuffer, safeRoutes: retry.safeRoutes },
    trustedProxies: config.trustedProxies,
    limits: { maxHeadBytes: limits.maxHead, maxFields: limits.maxFields, maxBodyBytes: limits.maxBody },
    upgrades: config.upgrades,
  };
}
