// The composition root: the one place that knows both planes. It joins them by TrafficPort and incidents, owns the
// order of start and stop, and answers for the whole instance. Policy lives in the planes. Long, because start, stop and
// both sides of an upgrade are orders of the same parts: they are right only when they are read beside each other.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  createPoolManager,
  findPortHolder,
  ModeControl,
  ResourceMonitor,
  StateFile,
  type LeaseView,
  type PoolEvent,
  type PoolManager,
} from '../pool/index.js';
import { createProxy, type Proxy } from '../proxy/index.js';
import { AdminServer } from './admin/admin-server.js';
import { EventLog } from './admin/event-log.js';
import { adminSocketPath } from './admin/locate-instance.js';
import { explain } from './admin/explain.js';
import type { BackendAction, LeaseWish, WaitOptions } from './admin/operations.js';
import { composePlan } from './admin/compose-plan.js';
import type { PlanView } from './admin/plan-view.js';
import { composeStatus } from './admin/compose-status.js';
import type { ReloadReport } from './admin/reload-report.js';
import { frontUrl, hostInUrl } from './admin/status-text.js';
import type { StatusView } from './admin/status-view.js';
import { Certificate } from './certificate.js';
import type { CertificateReading } from './config/certificate-files.js';
import type { Config } from './config/config.js';
import { toPoolOptions, toResourceOptions } from './config/pool-options.js';
import { toProxyOptions } from './config/proxy-options.js';
import { abortWith } from './core/abort.js';
import { systemClock } from './core/clock.js';
import { errorMessage, operatorError } from './core/errors.js';
import { silentLog, type Logger } from './core/log.js';
import { systemRandom } from './core/random.js';
import { ensureInstanceFolders, STATE_FILE_NAME } from './instance-folders.js';
import { acquireInstanceLock, type InstanceLock } from './instance-lock.js';
import { openAccessLog, type OpenAccessLog } from './logs/open-access-log.js';
import { WorkerLogRotation } from './logs/worker-log-rotation.js';
import { Metrics } from './metrics/metrics.js';
import { namingHolder } from './port-clash.js';
import { Reloader } from './reloader.js';
import type { StartedAddresses, StartOptions, StopOptions, Understudy, UnderstudyDependencies } from './understudy.js';
import { requireSameFront } from './upgrade/given-front.js';
import type { GivenSocket, Predecessor } from './upgrade/predecessor.js';
import { SharedTraffic } from './upgrade/shared-traffic.js';
import { Successor } from './upgrade/successor.js';
import { requireUpgradable } from './upgrade/upgradable.js';
import { packageVersion } from './version.js';
import { measureWorkers } from './worker-memory.js';

const ROTATE_EVERY_MS = 30_000;

/**
 * Wires an instance; nothing but its folders and the access log comes before `start`, which may be called once.
 * @param config as `parseConfig` or `loadConfig` give it.
 */
export function createUnderstudy(config: Config, dependencies: UnderstudyDependencies = {}): Understudy {
  return new Instance(config, dependencies);
}

class Instance implements Understudy {
  readonly events = new EventLog();
  readonly stopped: Promise<void>;
  readonly #stopAsked = new AbortController();
  readonly #dependencies: UnderstudyDependencies;
  readonly #log: Logger;
  readonly #proxy: Proxy;
  /** As the pool has it in hand. */
  readonly #traffic: SharedTraffic;
  readonly #pool: PoolManager;
  /** Undefined when it is switched off. */
  readonly #resources: ResourceMonitor | undefined;
  readonly #modes: ModeControl;
  #admin: AdminServer | undefined;
  readonly #metrics: Metrics;
  readonly #accessLog: OpenAccessLog;
  readonly #logRotation: WorkerLogRotation;
  readonly #certificate: Certificate;
  readonly #stateFile: StateFile;
  /** Of the admin API; an upgrade hands it on. */
  #token = randomBytes(16).toString('hex');
  readonly #startedAt = systemClock.epochNow();
  /** Of any call of `stop`, the first or a later one. */
  readonly #hurry = new AbortController();
  readonly #reloader: Reloader;
  #frontPort: number;
  #lock: InstanceLock | undefined;
  #stopping: Promise<void> | undefined;
  #upgrading = false;
  /** From a reload that names another one. */
  #modeToBegin: string | undefined;
  /** It has come by an upgrade, so that nobody waits for it as the first process of a container. */
  #isSuccessor = false;
  /** While it has not taken over. */
  #successor: Successor | undefined;
  #takingOver = false;
  #failedUpgrade: StatusView['instance']['failedUpgrade'] = null;
  #resolveStopped: () => void = () => undefined;

  constructor(config: Config, dependencies: UnderstudyDependencies) {
    this.#dependencies = dependencies;
    this.#frontPort = config.front.port;
    this.#log = dependencies.log ?? silentLog;
    this.stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
    const shared = { clock: systemClock, random: systemRandom, log: this.#log };
    this.#metrics = new Metrics({ status: () => this.status() });
    // Before anything in there is opened, and long before the lock: even the log is not to be a stranger's file.
    ensureInstanceFolders(config);
    this.#accessLog = openAccessLog(this.#metrics.requests, config, shared);
    this.#logRotation = new WorkerLogRotation(
      {
        logDir: config.logDir,
        maxBytes: config.log.rotateAbove,
        keep: config.log.keep,
        everyMs: ROTATE_EVERY_MS,
        backends: () => this.backendNames,
      },
      shared,
    );
    this.#certificate = new Certificate(config.front.tls, {
      ...shared,
      onRenewed: () => this.#proxy.applyOptions(toProxyOptions(this.#config, this.#certificate.current)),
    });
    this.#proxy = createProxy(toProxyOptions(config, this.#certificate.current), {
      ...shared,
      observer: this.#accessLog.observer,
      onIncident: (incident) => {
        this.#pool.reportIncident(incident);
        this.#metrics.pool.onIncident(incident);
      },
    });
    this.#traffic = new SharedTraffic(this.#proxy);
    const poolOptions = toPoolOptions(config);
    const stateFile = (this.#stateFile = new StateFile(join(config.runtimeDir, STATE_FILE_NAME)));
    this.#pool = createPoolManager(poolOptions, { ...shared, traffic: this.#traffic, stateFile });
    const resources = toResourceOptions(config);
    const roots = () => this.#pool.processRoots();
    this.#resources = resources && new ResourceMonitor(resources, { ...shared, roots, run: this.#pool.run });
    const onEvent = (event: PoolEvent) => {
      this.events.append(event);
      this.#metrics.pool.onEvent(event);
    };
    this.#pool.on('event', onEvent);
    this.#modes = new ModeControl(config.mode, { ...shared, pool: this.#pool, onEvent, stateFile });
    this.#reloader = new Reloader({
      config,
      poolOptions,
      certificate: this.#certificate,
      proxy: this.#proxy,
      pool: this.#pool,
      modesInUse: () => [this.#pool.targetMode, ...this.#modes.modesInUse],
      onApplied: ({ log, mode }, before) => {
        setLevel(this.#log, log.level);
        if (mode !== before.mode) this.#modeToBegin = mode;
      },
    });
  }

  get #config(): Config {
    return this.#reloader.config;
  }

  async start({ signal, predecessor, frontFd }: StartOptions = {}): Promise<StartedAddresses> {
    try {
      const admin =
        predecessor === undefined ? await this.#startAlone({ signal, frontFd }) : await this.#takeOver(predecessor);
      this.#modes.open();
      return {
        frontUrl: frontUrl({ ...this.#config.front, port: this.#frontPort, tls: tlsStatus(this.#certificate.current) }),
        frontSocket: this.#config.front.socket,
        adminUrl: `http://${hostInUrl(this.#config.admin.host)}:${admin.port}`,
        token: this.#token,
      };
    } catch (error) {
      await (this.#stopping ??= this.#stopAll({ keepWorkers: predecessor !== undefined }));
      throw error;
    }
  }

  async #startAlone({ signal, frontFd }: StartOptions): Promise<{ readonly port: number }> {
    // Before anybody can connect: the pool, which comes last, looks at it again.
    signal?.throwIfAborted();
    this.#lock = acquireInstanceLock(this.#config.runtimeDir);
    this.#modes.restore();
    const named = { address: this.#config.front, findHolder: findPortHolder };
    this.#frontPort = (await namingHolder(this.#proxy.listen(frontFd), named)).port;
    await this.#proxy.listenUnix();
    const admin = await this.#openAdmin();
    await this.#watchResources();
    this.#startRest();
    await this.#pool.start({ signal });
    return admin;
  }

  /** Told to stop meanwhile it fails, as by anything else: the other one hears of it, and goes on with its workers. */
  async #takeOver(predecessor: Predecessor): Promise<{ readonly port: number }> {
    // At once, since what is under way may not come to an end any more; once the front is ours it is said to nobody.
    this.stopping.addEventListener('abort', () => predecessor.fail('it was told to stop'), { once: true });
    this.#takingOver = this.#isSuccessor = true;
    try {
      const admin = await this.#takeAll(predecessor);
      this.#takingOver = false;
      return admin;
    } catch (error) {
      predecessor.fail(error);
      throw error;
    }
  }

  /** Workers first, then what only one can have, then the front: all that can fail comes before we accept anything. */
  async #takeAll(predecessor: Predecessor): Promise<{ readonly port: number }> {
    this.#frontPort = predecessor.frontPort;
    requireSameFront(this.#config.front, predecessor);
    await this.#watchResources();
    // Whoever starts next has the workers: two that manage them would end each other's.
    predecessor.requireThere();
    await this.#pool.start({ adoptOnly: true });
    this.#token = (await predecessor.takeRest()) ?? this.#token;
    this.#refuseWhenStopping();
    // Read anew: until now the other one has given leases and taken them back.
    this.#stateFile.forget();
    this.#modes.restore();
    this.#lock = acquireInstanceLock(this.#config.runtimeDir);
    const admin = await this.#openAdmin();
    this.#refuseWhenStopping();
    this.#startRest();
    await predecessor.takeFront((front) => {
      // It accepts already, and nobody here would answer.
      if (this.#stopping !== undefined) front.close();
      this.#refuseWhenStopping();
      this.#proxy.listenOn(front);
    });
    if (predecessor.frontSocket !== undefined) await this.#proxy.listenUnix(predecessor.frontSocket.fd);
    this.#traffic.share(predecessor.finish());
    this.#pool.takeCharge();
    return admin;
  }

  /** For the process that is to take over. */
  get #givenSocket(): GivenSocket | undefined {
    const [path, fd] = [this.#config.front.socket, this.#proxy.unixFd];
    return path === undefined || fd === undefined ? undefined : { path, fd };
  }

  async upgrade({ signal }: { readonly signal?: AbortSignal } = {}): Promise<{
    readonly pid: number;
    readonly complete: () => void;
  }> {
    this.#refuseWhenStopping();
    const { successorEnv } = this.#dependencies;
    const env = requireUpgradable({ successorEnv, isSuccessor: this.#isSuccessor });
    this.#upgrading = true;
    try {
      await this.#pool.hold({ signal });
      const fronts = { frontPort: this.#frontPort, frontSocket: this.#givenSocket };
      const successor = new Successor({ clock: systemClock, ...fronts, env });
      this.#successor = successor;
      await successor.waitReady();
      return { pid: successor.pid, complete: () => void this.#giveUpTo(successor) };
    } catch (error) {
      await this.#goOn(error);
      // A stop ended the new process, and the error would say that this one goes on.
      this.#refuseWhenStopping();
      throw error;
    }
  }

  /** Hands over what only one can have and the front, finishes what is in flight, and ends without a word to the workers. */
  async #giveUpTo(successor: Successor): Promise<void> {
    try {
      await this.#admin?.close();
      // Not before: until now a lease may have been given back here.
      this.#modes.keep(true);
      this.#lock?.release();
      await successor.giveRest(this.#token);
      await successor.giveFront(this.#proxy.frontServer);
    } catch (error) {
      await this.#goOn(error);
      if (this.#stopping === undefined) await this.#takeBack();
      return;
    }
    successor.lead(this.#traffic.handOver());
    this.#successor = undefined;
    this.#log.info({ pid: successor.pid }, 'another process has taken over; finishing what is in flight');
    this.#stopping ??= this.#leave();
    await this.#stopping;
    successor.release();
  }

  async #goOn(error: unknown): Promise<void> {
    const pid = this.#successor?.pid ?? null;
    await this.#endSuccessor();
    if (this.#stopping !== undefined) return;
    this.#upgrading = false;
    this.#modes.keep(false);
    this.#pool.resume();
    const [at, reason] = [systemClock.epochNow(), errorMessage(error)];
    this.#failedUpgrade = { pid, at, reason };
    this.#log.error({ reason }, 'the upgrade failed; this process goes on');
    this.events.append({ at, kind: 'upgrade', cause: 'the upgrade failed', evidence: reason });
  }

  async #endSuccessor(): Promise<void> {
    await this.#successor?.end();
    this.#successor = undefined;
  }

  /** Requests are served either way: whoever has taken our place at the admin API meanwhile costs us only that. */
  async #takeBack(): Promise<void> {
    try {
      this.#lock = acquireInstanceLock(this.#config.runtimeDir);
      await this.#openAdmin();
    } catch (error) {
      this.#log.error({ reason: errorMessage(error) }, 'commands and metrics are out of order until the next start');
    }
  }

  async #leave(): Promise<void> {
    this.#modes.close({ keep: true });
    await this.#proxy.leave(this.#drainOptions);
    this.#endRest();
    this.#pool.release();
    this.#resolveStopped();
  }

  status(): StatusView {
    const { inflight, waiting } = this.#proxy.stats();
    return composeStatus({
      instance: {
        version: packageVersion,
        pid: process.pid,
        startedAt: this.#startedAt,
        adminSocket: adminSocketPath(this.#config.runtimeDir),
        configPath: this.#dependencies.configPath ?? null,
        logDir: this.#config.logDir,
        takingOver: this.#takingOver,
        failedUpgrade: this.#failedUpgrade,
      },
      front: {
        host: this.#config.front.host,
        port: this.#frontPort,
        socket: this.#config.front.socket ?? null,
        tls: tlsStatus(this.#certificate.current),
        inflight,
        waiting,
      },
      pool: this.#pool.view(),
      modes: this.#config.modes,
      leases: this.#modes.leases,
      traffic: this.#proxy,
      resources: this.#resources?.latest ?? null,
    });
  }

  get backendNames(): readonly string[] {
    return this.#pool.backendNames;
  }

  ready(): boolean {
    return this.#stopping === undefined && this.#proxy.stats().available > 0;
  }

  metrics(): Promise<string> {
    return this.#metrics.expose();
  }

  async setMode(name: string, options: WaitOptions = { wait: true }): Promise<void> {
    this.#refuseWhenStopping();
    await this.#modes.setByHand(name, options);
  }

  lease({ holder, mode, ttlMs }: LeaseWish, options: WaitOptions): Promise<LeaseView> {
    this.#refuseWhenStopping();
    return this.#modes.lease({ holder, mode, ttlMs }, options);
  }

  renewLease(id: string, ttlMs?: number): LeaseView {
    return this.#modes.renew(id, ttlMs);
  }

  giveLeaseBack(id: string, options: WaitOptions): Promise<void> {
    return this.#modes.giveBack(id, options);
  }

  planMode(name: string): PlanView {
    return composePlan(this.#pool.planMode(name), measureWorkers(this.#pool.view()));
  }

  async reload(config?: Config): Promise<ReloadReport> {
    this.#refuseWhenStopping();
    const load = config === undefined ? this.#dependencies.loadConfig : () => config;
    if (load === undefined) {
      const message = 'this instance has no config file to read again: its program gave it its config';
      throw operatorError('no-config-file', message);
    }
    const report = await this.#reloader.reload(load);
    const evidence = report.changes.map(({ path }) => path).join(', ') || 'nothing has changed';
    this.events.append({ at: systemClock.epochNow(), kind: 'reload', cause: 'the config was read again', evidence });
    const mode = this.#modeToBegin;
    this.#modeToBegin = undefined;
    if (mode !== undefined) await this.#beginIn(mode);
    return report;
  }

  /** Whoever changes the mode to begin with means the one that is to be. */
  async #beginIn(mode: string): Promise<void> {
    try {
      await this.#modes.beginIn(mode);
    } catch (error) {
      throw operatorError(
        'mode-not-reached',
        `The new config stands, but its mode does not: ${errorMessage(error)}`,
        error,
      );
    }
  }

  async backendAction(name: string, action: BackendAction): Promise<void> {
    this.#refuseWhenStopping();
    await this.#pool[action](name);
  }

  why(backend?: string): readonly string[] {
    return explain({ status: this.status(), events: this.events.since(0), backend, nowMs: systemClock.epochNow() });
  }

  get stopping(): AbortSignal {
    return this.#stopAsked.signal;
  }

  stop(options: StopOptions = {}): Promise<void> {
    abortWith(this.#hurry, options.hurry);
    if (this.#stopping === undefined) this.#stopAsked.abort();
    this.#stopping ??= this.#stopAll(options);
    return this.#stopping;
  }

  #openAdmin(): Promise<{ readonly port: number }> {
    const { admin: address, runtimeDir } = this.#config;
    this.#admin = new AdminServer({ ...address, socketPath: adminSocketPath(runtimeDir), token: this.#token }, this);
    return namingHolder(this.#admin.listen(), { address, findHolder: findPortHolder });
  }

  /** What may be started depends on what there is: the first reading comes before the first worker. */
  async #watchResources(): Promise<void> {
    if (this.#resources === undefined) return;
    this.#pool.watchResources(this.#resources);
    await this.#resources.start();
  }

  /** The front goes first, so that what is in flight still finds its workers; the lock goes last. */
  async #stopAll(options: StopOptions): Promise<void> {
    const keepWorkers = options.keepWorkers === true;
    // It would start anew what we stop.
    await this.#endSuccessor();
    this.#modes.close({ keep: keepWorkers });
    // With the workers kept somebody is about to serve again: a request that is on its way now must not meet a closed door.
    await (keepWorkers ? this.#proxy.leave(this.#drainOptions) : this.#proxy.close(this.#drainOptions));
    if (keepWorkers) this.#pool.release();
    else await this.#pool.stop({ hurry: this.#hurry.signal });
    this.#endRest();
    await this.#admin?.close();
    this.#lock?.release();
    this.#resolveStopped();
  }

  /** How long what is in flight may take when the front goes. */
  get #drainOptions() {
    const { drainTimeout: graceMs, streamDrainTimeout: streamGraceMs } = this.#config.stop;
    return { graceMs, streamGraceMs, hurry: this.#hurry.signal };
  }

  #startRest(): void {
    this.#logRotation.start();
    this.#certificate.watch();
  }

  #endRest(): void {
    this.#certificate.stop();
    this.#resources?.stop();
    this.#logRotation.stop();
    this.#accessLog.close();
  }

  #refuseWhenStopping(): void {
    if (this.#stopping !== undefined) {
      throw operatorError('stopping', 'this instance is stopping');
    }
    if (!this.#upgrading) return;
    throw operatorError('upgrading', 'this instance is handing over to a new one');
  }
}

function tlsStatus(certificate: CertificateReading | undefined): StatusView['front']['tls'] {
  return certificate === undefined ? null : { validTo: certificate.validTo };
}

/** pino's level can be set; a logger without one keeps its own. */
function setLevel(log: Logger, level: Config['log']['level']): void {
  if ('level' in log) log.level = level;
}
