// The data plane's face to the composition root.
export { defaultProxyOptions, type BalancePolicy, type ProxyOptions } from './options.js';
export { createProxy, type CloseOptions, type Proxy, type ProxyDependencies, type ProxyStats } from './proxy.js';
export type { ClientFacts, EndedBy, Phase, ProxyObserver, RequestRecord } from './request-record.js';
