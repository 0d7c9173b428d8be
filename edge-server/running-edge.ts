import { randomInt } from 'node:crypto'
import type { Bundle } from '@isthmus/models/bundle'
import { TokenBucket } from '@isthmus/policies'
import { EDGE_ID, parseTopic, serverKey } from '@isthmus/proto'
import type { Logger } from 'pino'
import { Adaptation, type AdaptationOptions } from './adaptation/adaptation.ts'
import { FamilyRefusals } from './adaptation/family-refusals.ts'
import { Announcer } from './announce.ts'
import { EmbeddedBroker } from './broker/embedded.ts'
import { ExternalBroker } from './broker/external.ts'
import type { Transport } from './broker/transport.ts'
import type { EdgeConfig } from './config/schema.ts'
import { Catalog } from './dispatch/catalog.ts'
import { Dispatcher, type DispatchObserver } from './dispatch/dispatcher.ts'
import { StageCatalog } from './dispatch/stage-catalog.ts'
import { packedTails } from './dispatch/tail-choice.ts'
import { HttpEndpoint } from './http.ts'
import { MarketNode } from './market/market-node.ts'
import { type OpenMarket, openMarket } from './market/open-market.ts'
import type { EdgeMetrics } from './metrics.ts'
import type { ServedModels } from './served-models.ts'
import { softwareVersion } from './software.ts'
import type { TailPool } from './tails/pool.ts'

/** The ports in use; those of the broker inside are absent when there is another broker. */
export interface EdgePorts {
  readonly mqttPort: number | undefined
  readonly wsPort: number | undefined
  readonly httpPort: number | undefined
}

/** A running edge server. */
export interface EdgeServer {
  readonly ports: EdgePorts
  readonly metrics: EdgeMetrics
  /** `name@version` of each bundle that is served. */
  readonly bundles: readonly string[]
  /** `name@version` of each pipeline that is served. */
  readonly pipelines: readonly string[]
  /** What devices trust patches by; undefined when nothing is adapted. */
  readonly patchKey: string | undefined
  /** Answers what waits (for at most `drainTimeoutMs`), says goodbye and stops. May be called twice. */
  close(): Promise<void>
}

/** How late an expired request may be answered; each tick wakes a thread whose core may be computing. */
const TICK_MS = 50
const WARNINGS_PER_SECOND = 1
const WARNINGS_AT_ONCE = 20

/** The parts of a server that runs, wired together: broker, dispatcher, announcer, market, adaptation, HTTP. */
export class RunningEdge implements EdgeServer {
  readonly metrics: EdgeMetrics
  readonly bundles: readonly string[]
  readonly pipelines: readonly string[]
  readonly #served: ServedModels
  readonly #config: EdgeConfig
  readonly #pool: TailPool
  readonly #log: Logger
  readonly #dispatcher: Dispatcher
  readonly #announcer: Announcer
  readonly #warnings: TokenBucket
  readonly #clock: () => number
  readonly #epoch = randomInt(1, 2 ** 32)
  #market: OpenMarket | undefined
  #transport: Transport | undefined
  #http: HttpEndpoint | undefined
  #adaptation: Adaptation | undefined
  readonly #refusals: FamilyRefusals
  #ticking: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #ports: EdgePorts = { mqttPort: undefined, wsPort: undefined, httpPort: undefined }

  constructor(
    config: EdgeConfig,
    served: ServedModels,
    pool: TailPool,
    metrics: EdgeMetrics,
    log: Logger,
    clock: () => number,
  ) {
    this.metrics = metrics
    const { bundles, pipelines } = served
    this.#served = served
    this.bundles = bundles.map(({ id }) => id)
    this.pipelines = pipelines.map(({ id }) => id)
    this.#config = config
    this.#pool = pool
    this.#log = log
    this.#clock = clock
    this.#warnings = new TokenBucket(WARNINGS_PER_SECOND, WARNINGS_AT_ONCE, clock())
    const epoch = this.#epoch
    const key = serverKey(config.id)
    const ledger = () => this.#market?.node.ledger
    this.#dispatcher = new Dispatcher({
      ...config,
      epoch,
      clock,
      catalog: new Catalog(bundles),
      pipelines: new StageCatalog(pipelines),
      runner: pool,
      send: (topicName, packet) => void this.#transport?.publish(topicName, packet),
      tails: { behind: (request) => (this.#adaptation ?? packedTails).behind(request) },
      observer: this.#observer(),
      leases: {
        creditsOf: (device) => this.#market?.node.ledger.creditsOf(device) ?? 0,
        get credits() {
          return ledger()?.credits ?? 0
        },
      },
      isOurs: (server) => {
        if (config.market === 'off') return true
        return server === undefined ? this.#speaksForSite : server === key
      },
    })
    this.#refusals = new FamilyRefusals({
      ...config,
      epoch,
      clock,
      send: (topicName, packet) => void this.#transport?.publish(topicName, packet),
      warn: (fields, message) => this.#warn(fields, message),
    })
    this.#announcer = new Announcer({
      ...config,
      isFace: () => this.#speaksForSite,
      epoch,
      clock,
      software: `isthmus-edge/${softwareVersion}`,
      bundles: bundles.map(({ manifest, key }) => ({ name: manifest.name, version: manifest.version, key })),
      pipelines: pipelines.map(({ manifest: { name, version }, key }) => {
        const stageUs = pool.stageMs(key).map((ms) => Math.min(0xffffffff, Math.ceil(ms * 1000)))
        return { name, version, key, stageUs }
      }),
      load: () => ({
        queued: this.#dispatcher.queued,
        busy: pool.busy,
        workers: pool.ready,
        waitMs: this.#dispatcher.waitMs(pool.ready),
      }),
    })
  }

  get ports(): EdgePorts {
    return this.#ports
  }

  get patchKey(): string | undefined {
    return this.#adaptation?.publicKey
  }

  async open(bundles: readonly Bundle[], spawnLearner: AdaptationOptions['spawn']): Promise<void> {
    const { site, httpPort, host } = this.#config
    if (this.#config.adapt !== undefined) this.#adaptation = await this.#openAdaptation(bundles, spawnLearner)
    const transport = await this.#openTransport()
    this.#transport = transport
    this.metrics.watch({
      devicesOnline: () => this.#dispatcher.devicesOnline,
      devicesKnown: () => this.#dispatcher.devicesKnown,
      connections: () => (transport instanceof EmbeddedBroker ? transport.connections : 0),
      queued: () => this.#dispatcher.queued,
      computing: () => this.#dispatcher.computing,
      workers: () => this.#pool.ready,
      brokerConnected: () => transport.connected,
    })
    if (httpPort !== 'off') {
      this.#http = await HttpEndpoint.open({
        host,
        port: httpPort,
        notReady: () => this.#notReady(),
        metrics: () => this.metrics.text(),
      })
      this.#ports = { ...this.#ports, httpPort: this.#http.port }
    }
    const adaptation = this.#adaptation
    const samples = adaptation ?? (this.#isAlone ? this.#refusals : undefined)
    const market = await this.#openMarket(transport)
    transport.onMessage((topicName, packet, retained) => {
      const verb = parseTopic(topicName)?.verb
      if (verb === 'state') this.#announcer.hear(topicName, packet)
      if (verb === 'sample') samples?.receive(topicName, packet, retained)
      if (verb === 'infer' || verb === 'birth' || verb === 'state')
        this.#dispatcher.receive(topicName, packet, retained)
      if (verb !== 'infer' && verb !== 'birth' && verb !== 'sample')
        market?.node.receive(topicName, packet, retained)
    })
    transport.onReconnect(() => {
      void this.#announcer.announce(transport)
      adaptation?.announce()
      market?.node.announce()
    })
    const verbs = ['infer', 'birth', 'state', ...(samples ? ['sample'] : [])]
    const filters = verbs.map((verb) => `isthmus/1/${site}/+/${verb}`)
    await transport.subscribe([
      ...new Set([
        ...filters,
        ...(market ? MarketNode.filters(site, this.#config.broker === undefined) : []),
      ]),
    ])
    await this.#announcer.announce(transport)
    adaptation?.announce()
    market?.node.announce()
    const tickMs = market ? Math.min(TICK_MS, this.#config.roundMs / 20) : TICK_MS
    let dueMs = performance.now() + tickMs
    this.#ticking = setInterval(() => {
      const nowMs = performance.now()
      this.metrics.delayed(nowMs - dueMs)
      dueMs = nowMs + tickMs
      this.#dispatcher.tick()
      this.#announcer.tick()
      adaptation?.tick()
      market?.node.tick()
    }, tickMs)
    this.#log.info(
      {
        ...this.#ports,
        host,
        site,
        bundles: this.bundles,
        pipelines: this.pipelines,
        workers: this.#pool.ready,
        ...(adaptation ? { patchKey: adaptation.publicKey, patchVersions: adaptation.versions } : {}),
      },
      'ready',
    )
  }

  /** Whether what names no server is for this one: where there are several, for the one that holds the auctions. */
  get #speaksForSite(): boolean {
    return this.#config.id === EDGE_ID || (this.#market?.node.leads ?? false)
  }

  /** Whether no other server shares its broker: one that does may adapt what this one does not. */
  get #isAlone(): boolean {
    return this.#config.market === 'off' || this.#config.broker === undefined
  }

  async #openMarket(transport: Transport): Promise<OpenMarket | undefined> {
    if (this.#config.market === 'off') return undefined
    this.#market = await openMarket({
      config: this.#config,
      epoch: this.#epoch,
      clock: this.#clock,
      registry: this.metrics.registry,
      log: this.#log,
      send: (topicName, packet, options) => void transport.publish(topicName, packet, options),
      onElected: (leads) => {
        if (leads && this.#config.id !== EDGE_ID) void this.#announcer.announce(transport)
      },
      warn: (fields, message) => this.#warn(fields, message),
    })
    return this.#market
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const started = this.#ticking !== undefined
    if (started) await this.#drain()
    clearInterval(this.#ticking)
    // What the workers have in hand is still answered.
    await this.#pool.close()
    await this.#adaptation?.close()
    if (started) await this.#announcer.become('offline')
    await this.#market?.close()
    await this.#http?.close()
    await this.#transport?.close()
    this.metrics.close()
    if (started) this.#log.info('stopped')
  }

  async #drain(): Promise<void> {
    this.#log.info({ queued: this.#dispatcher.queued, computing: this.#dispatcher.computing }, 'draining')
    const drained = this.#dispatcher.drain()
    await this.#announcer.become('draining')
    // Another server holds the next auction.
    this.#market?.node.close()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#config.drainTimeoutMs, 'late')
    })
    if ((await Promise.race([drained, late])) === 'late') {
      this.#log.warn({ turnedAway: this.#dispatcher.queued }, 'the drain timeout has passed')
      this.#dispatcher.turnAway()
    }
    clearTimeout(timer)
  }

  #openAdaptation(bundles: readonly Bundle[], spawn: AdaptationOptions['spawn']): Promise<Adaptation> {
    return Adaptation.open({
      config: this.#config,
      bundles,
      epoch: this.#epoch,
      log: this.#log,
      registry: this.metrics.registry,
      clock: this.#clock,
      wallS: () => Date.now() / 1000,
      publish: (topicName, packet, options) => void this.#transport?.publish(topicName, packet, options),
      warn: (fields, message) => this.#warn(fields, message),
      onStrangeSample: (device, message) => {
        if (this.#isAlone) this.#refusals.refuse(device, message)
      },
      ...(spawn ? { spawn } : {}),
    })
  }

  async #openTransport(): Promise<Transport> {
    const { broker, brokerUsername, brokerPassword } = this.#config
    if (broker !== undefined) {
      return ExternalBroker.open({
        url: broker,
        username: brokerUsername,
        password: brokerPassword,
        clientId: `${this.#config.id}-${randomInt(2 ** 32).toString(16)}`,
        will: this.#announcer.will(),
        onConnection: (connected) => this.#log.info({ connected }, 'broker'),
      })
    }
    const embedded = await EmbeddedBroker.open({
      ...this.#config,
      onRefusal: (reason, client, detail) => {
        this.metrics.brokerRefused(reason)
        this.#warn({ client, reason, ...(detail === undefined ? {} : { detail }) }, 'turned away')
      },
      onTakeover: (device) => {
        this.metrics.takeover()
        this.#warn({ device }, 'a second connection has taken over from the first; is the id used twice?')
      },
    })
    this.#ports = { ...this.#ports, mqttPort: embedded.mqttPort, wsPort: embedded.wsPort }
    return embedded
  }

  #notReady(): string | undefined {
    if (this.#dispatcher.draining) return 'draining'
    if (!this.#transport?.connected) return 'no broker'
    if (this.#pool.ready === 0) return 'no worker'
    return undefined
  }

  #observer(): DispatchObserver {
    return {
      answered: (route, stages) => this.metrics.answered(route, stages),
      ran: (key, stages, stageMs) => {
        const pipeline = this.#served.pipelines.find((one) => one.key === key)!
        for (const [at, stage] of stages.entries()) {
          this.metrics.stageRan(pipeline.id, pipeline.wiring.stages[stage]!.id, stageMs[at]!)
        }
      },
      refused: (device, code, detail) => {
        this.metrics.refused(code)
        if (code === 'TAIL_FAILED' || code === 'STAGE_FAILED')
          this.#warn({ device, code, detail }, 'request failed')
        else this.#log.debug({ device, code, detail }, 'request refused')
      },
      garbage: (device, code, detail) => {
        this.metrics.garbage(code)
        this.#warn({ device, code, detail }, 'unreadable message')
      },
      strangeBundle: (device, bundle) =>
        this.#warn({ device, bundle }, 'device has a bundle or a pipeline that is not served here'),
    }
  }

  /** A warning, unless there have been too many lately: what a client does must not fill the disk. */
  #warn(fields: Readonly<Record<string, string>>, message: string): void {
    if (this.#warnings.take(this.#clock())) this.#log.warn(fields, message)
  }
}
