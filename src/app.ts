// The composition root: the one place that knows both planes. It joins them by TrafficPort and incidents, owns the
// order of start and stop, and answers for the whole instance. Policy lives in the planes. Long, because start, stop and
// both sides of an upgrade take the same parts in different orders: whoever changes one must see the others.

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
import { ensureInstanceFolders, ensureRuntimeFolder, STATE_FILE_NAME } from './instance-folders.js';
import { acquireInstanceLock, type InstanceLock } from './instance-lock.js';
import { openAccessLog, type OpenAccessLog } from './logs/open-access-log.js';
import { WorkerLogRotation } from './logs/worker-log-rotation.js';
import { Metrics } from './metrics/metrics.js';
import { namingHolder } from './port-clash.js';
import { PlaceKeeper } from './place-keeper.js';
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
  /** The proxy as the pool sees it; after an upgrade with what the process before us still has in flight. */
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
  /** Any call of `stop` may abort it, a later one too. */
  readonly #hurry = new AbortController();
  readonly #reloader: Reloader;
  #frontPort: number;
  #lock: InstanceLock | undefined;
  readonly #placeKeeper: PlaceKeeper;
  #stopping: Promise<void> | undefined;
  /** The pool stood once. A stop before that gives the start up. */
  #isUp = false;
  #upgrading = false;
  /** Set by a reload whose config names another mode than before. */
  #modeToBegin: string | undefined;
  /** We have come by an upgrade, so no container waits for our end. */
  #isSuccessor = false;
  /** The new process of an upgrade, until it has taken over. */
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
    // First of all: the access log, too, must be opened only in a folder that was found to be ours.
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
    const { runtimeDir } = config;
    const ensureOurFolder = () => ensureRuntimeFolder(runtimeDir);
    const stateFile = (this.#stateFile = new StateFile(join(runtimeDir, STATE_FILE_NAME), { ensureOurFolder }));
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
    this.#placeKeeper = new PlaceKeeper({
      ...shared,
      runtimeDir,
      isWhole: () => this.#lock?.held === true && this.#admin?.reachable === true && stateFile.present,
      restore: () => this.#restorePlace(),
    });
  }

  get #config(): Config {
    return this.#reloader.config;
  }

  async start({ signal, predecessor, frontFd }: StartOptions = {}): Promise<StartedAddresses> {
    try {
      const admin =
        predecessor === undefined ? await this.#startAlone({ signal, frontFd }) : await this.#takeOver(predecessor);
      this.#isUp = true;
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
    // Given up already: nobody shall be able to connect. The pool, which starts last, checks the signal again.
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

  /** When it fails, a stop in between included, the old process is told, and goes on with its workers. */
  async #takeOver(predecessor: Predecessor): Promise<{ readonly port: number }> {
    // Said at once, since the step under way may never end. Once the front is ours, nobody listens for it any more.
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

  /** The workers, then the lock and the admin API, then the front: everything that can fail comes before we accept anything. */
  async #takeAll(predecessor: Predecessor): Promise<{ readonly port: number }> {
    this.#frontPort = predecessor.frontPort;
    requireSameFront(this.#config.front, predecessor);
    await this.#watchResources();
    // If the old process is gone, another start may have the workers by now: two pools would end each other's workers.
    predecessor.requireThere();
    await this.#pool.start({ adoptOnly: true });
    // Made while the old one still answers: it takes its time, in which commands would find nobody.
    const adminServer = this.#makeAdmin();
    await adminServer.prepare();
    this.#token = (await predecessor.takeRest()) ?? this.#token;
    this.#refuseWhenStopping();
    // Read again: until now the old process went on to give leases and to take them back.
    this.#stateFile.forget();
    this.#modes.restore();
    this.#lock = acquireInstanceLock(this.#config.runtimeDir);
    const admin = await this.#openAdmin(adminServer);
    this.#refuseWhenStopping();
    this.#startRest();
    await predecessor.takeFront((front) => {
      // It accepts connections already, and nobody would answer them.
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
      // If a stop ended the new process, say so: `error` would say that this process goes on.
      this.#refuseWhenStopping();
      throw error;
    }
  }

  /** Hands over the lock, the admin API and the front, finishes what is in flight, and ends; the workers are not told. */
  async #giveUpTo(successor: Successor): Promise<void> {
    try {
      this.#placeKeeper.stop();
      await this.#admin?.close();
      // Only now that the admin API is closed: until then a lease could be given back here.
      this.#modes.keep(true);
      this.#lock?.passTo(successor.pid);
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

  /** After a failed hand-over. Without lock and admin API we still serve requests, so a failure here is only logged. */
  async #takeBack(): Promise<void> {
    try {
      this.#lock = acquireInstanceLock(this.#config.runtimeDir);
      await this.#openAdmin();
      this.#placeKeeper.start();
    } catch (error) {
      this.#log.error({ reason: errorMessage(error) }, 'commands and metrics are out of order until the next start');
    }
  }

  /** Somebody has removed our folder, or what is in it. */
  async #restorePlace(): Promise<void> {
    ensureInstanceFolders(this.#config);
    this.#lock = acquireInstanceLock(this.#config.runtimeDir);
    this.#stateFile.restore();
    if (this.#admin?.reachable === false) await this.#admin.reopenSocket();
  }

  async #leave(): Promise<void> {
    this.#modes.close({ keep: true });
    await this.#proxy.leave(this.#drainOptions);
    await this.#traffic.waitAlone(this.#hurry.signal);
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

  /** Whoever changes the mode to begin with in the config wants the pool to be in it now. */
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

  #makeAdmin(): AdminServer {
    const { admin: address, runtimeDir } = this.#config;
    return new AdminServer({ ...address, socketPath: adminSocketPath(runtimeDir), token: () => this.#token }, this);
  }

  #openAdmin(server = this.#makeAdmin()): Promise<{ readonly port: number }> {
    this.#admin = server;
    return namingHolder(server.listen(), { address: this.#config.admin, findHolder: findPortHolder });
  }

  /** Returns with the first reading: how many workers may start depends on it. */
  async #watchResources(): Promise<void> {
    if (this.#resources === undefined) return;
    this.#pool.watchResources(this.#resources);
    await this.#resources.start();
  }

  /** The front goes first, so that what is in flight still finds its workers; the lock goes last. */
  async #stopAll(options: StopOptions): Promise<void> {
    const keepWorkers = options.keepWorkers === true;
    // First: a new process that takes over meanwhile would start the workers again that we stop.
    await this.#endSuccessor();
    this.#modes.close({ keep: keepWorkers });
    // With the workers kept, another start is about to serve: clients that are just connecting must not be refused.
    if (keepWorkers) await this.#proxy.leave(this.#drainOptions);
    else await this.#proxy.close({ ...this.#drainOptions, refuseWaiting: !this.#isUp });
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
    this.#placeKeeper.start();
  }

  #endRest(): void {
    this.#placeKeeper.stop();
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

/** For pino; a logger without a level is left alone. */
function setLevel(log: Logger, level: Config['log']['level']): void {
  if ('level' in log) log.level = level;
}
