import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { Bundle } from '@isthmus/models/bundle'
import {
  clockUs32,
  decodeMessage,
  encodeMessage,
  type InferRequest,
  IsthmusError,
  isDeviceId,
  type Message,
  parseTopic,
  patchTopic,
  topic,
} from '@isthmus/proto'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { PublishOptions } from '../broker/transport.ts'
import type { EdgeConfig } from '../config/schema.ts'
import { packedTails, type TailChoice, type Tails } from '../dispatch/tail-choice.ts'
import { edgeError } from '../errors.ts'
import { type KeptFolder, keepFolder, makeFolder } from '../kept-folder.ts'
import { AdaptationMetrics } from './adaptation-metrics.ts'
import { adaptationObserver } from './adaptation-observer.ts'
import { type AdaptableFamily, familiesOf } from './families.ts'
import { type AdaptationPace, FamilyAdaptation } from './family-adaptation.ts'
import { fileOf, learnerSetup, openPublisher } from './family-files.ts'
import { LearnerThread } from './learner-thread.ts'
import type { LearnerSetup } from './messages.ts'
import type { Outlet, OutPatch } from './publisher.ts'
import { SampleIntake } from './sample-intake.ts'
import { openSigningKey } from './signing-key.ts'
import { type SplitFamily, splitFamiliesOf } from './split-families.ts'
import { SplitPublisher } from './split-publisher.ts'
import { writeWhole } from './state-file.ts'

export interface AdaptationOptions {
  readonly config: EdgeConfig
  readonly bundles: readonly Bundle[]
  readonly epoch: number
  readonly log: Logger
  readonly registry: Registry
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
  /** Seconds since 1970. */
  readonly wallS: () => number
  readonly publish: (topic: string, packet: Uint8Array, options: PublishOptions) => void
  /** A warning, unless there have been too many lately. */
  readonly warn: (fields: Readonly<Record<string, string>>, message: string) => void
  /** Told of a sample of a network that is not adapted here. */
  readonly onStrangeSample: (device: string, message: Message) => void
  readonly spawn?: (setup: LearnerSetup) => Worker
}

const ROUND_SIZE = 32
const ROUND_WAIT_MS = 2000
const WAITING = { limit: 1024, perDevice: 64, activeForMs: 600_000 }
const TASK_TIMEOUT_MS = 300_000
const UPLOAD_BURST_S = 10
const SNAPSHOTS = { snapshotsPerSecond: 1 / 30, snapshotsAtOnce: 3 }
const VOTES = { share: 1 / 3, fewest: 2 }
const COUNT_LIMIT = 2 ** 32
/** Versions of a head whose tails are kept. */
const TAILS = 32

/**
 * The server's half of adaptation: samples come in, patches go out, one learner a family, each in a thread of its own. Split networks
 * are families too: what their tails become answers here. All that must survive lies in the folder `adapt`: the signing key, of each
 * family a journal of versions, its tails, and the state of learning.
 */
export class Adaptation implements Tails {
  /** What devices trust patches by: 43 letters. */
  readonly publicKey: string
  readonly #options: AdaptationOptions
  readonly #kept: KeptFolder
  readonly #metrics: AdaptationMetrics
  readonly #families: FamilyAdaptation[] = []
  /** By the network that a device's samples, and its requests for patches, name. */
  readonly #samples = new Map<number, FamilyAdaptation[]>()
  readonly #patched = new Map<number, FamilyAdaptation>()
  /** By the network whose statistics devices tell: the local ones. Those of a head would be a part of what learns. */
  readonly #told = new Map<number, FamilyAdaptation>()
  /** By bundle: its adapted tails, and the modes that send them a latent of the head that is adapted. */
  readonly #tails = new Map<number, { readonly tails: SplitPublisher; readonly modes: ReadonlySet<number> }>()
  #sequence = 0

  private constructor(options: AdaptationOptions, publicKey: string, kept: KeptFolder) {
    this.#options = options
    this.#kept = kept
    this.publicKey = publicKey
    this.#metrics = new AdaptationMetrics(options.registry)
  }

  /** Throws NO_ADAPTATION when no bundle can be adapted, FOLDER_IN_USE, ADAPT_UNKEPT, BAD_SIGNING_KEY, or NO_WORKER. */
  static async open(options: AdaptationOptions): Promise<Adaptation> {
    try {
      return await Adaptation.#openIn(options.config.adapt!, options)
    } catch (error) {
      if (error instanceof IsthmusError || (error as NodeJS.ErrnoException).syscall === undefined) throw error
      throw edgeError('ADAPT_UNKEPT', `What is learned cannot be kept: ${(error as Error).message}`, error)
    }
  }

  static async #openIn(folder: string, options: AdaptationOptions): Promise<Adaptation> {
    await makeFolder(folder, 0o700)
    const kept = await keepFolder(folder)
    try {
      return await Adaptation.#openKept(folder, kept, options)
    } catch (error) {
      await kept.release()
      throw error
    }
  }

  static async #openKept(folder: string, kept: KeptFolder, options: AdaptationOptions): Promise<Adaptation> {
    const { config, log, bundles } = options
    const key = await openSigningKey(join(folder, 'signing-key.pem'))
    await writeWhole(join(folder, 'signing-key.pub'), Buffer.from(`${key.publicText}\n`), 0o644)
    const local = familiesOf(bundles)
    const split =
      config.adaptSplit === 'off'
        ? { adaptable: [], refused: [] }
        : splitFamiliesOf(bundles, config.adaptSplit)
    const refused = [...local.refused, ...split.refused]
    for (const { bundle, reason } of refused) log.warn({ bundle, reason }, 'bundle is not adapted')
    if (local.adaptable.length + split.adaptable.length === 0) {
      const why = refused[0] ? `${refused[0].bundle}: ${refused[0].reason}` : 'there are no bundles'
      throw edgeError('NO_ADAPTATION', `No bundle can be adapted (${why})`)
    }
    const adaptation = new Adaptation(options, key.publicText, kept)
    try {
      for (const family of local.adaptable) await adaptation.#openLocal(family, key.privateKey, folder)
      for (const family of split.adaptable) await adaptation.#openSplit(family, key.privateKey, folder)
    } catch (error) {
      await adaptation.#closeFamilies()
      throw error
    }
    adaptation.#metrics.watch()
    return adaptation
  }

  /** Newest version of each family, by the bundle that it comes from. */
  get versions(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#families.map(({ id, version }) => [id, version]))
  }

  /** Says all patches again: at the start, and when a broker may have forgotten them. */
  announce(): void {
    for (const family of this.#families) family.announce()
  }

  /** The tail that fits the head which a request names. */
  behind(request: Pick<InferRequest, 'bundle' | 'mode' | 'patch' | 'patchEpoch'>): TailChoice | undefined {
    const adapted = this.#tails.get(request.bundle)
    if (!adapted?.modes.has(request.mode)) return packedTails.behind(request)
    return adapted.tails.behind({ version: request.patch, epoch: request.patchEpoch })
  }

  /** Takes one message of a `sample` topic. Never throws; the packet is not kept. */
  receive(topicName: string, packet: Uint8Array, retained: boolean): void {
    const { config, warn } = this.#options
    const parts = parseTopic(topicName)
    // What a broker has stored is as old as it likes.
    if (parts?.site !== config.site || !isDeviceId(parts.device) || retained || packet.length === 0) return
    let message: Message
    try {
      message = decodeMessage(packet, config.maxMessageBytes)
    } catch (error) {
      this.#metrics.unreadable.inc()
      warn({ device: parts.device, detail: (error as Error).message }, 'unreadable sample')
      return
    }
    this.#read(parts.device, message)
  }

  /** Starts what is due. To be called often. */
  tick(): void {
    for (const family of this.#families) family.tick()
  }

  /** Finishes what is being done and writes every state. */
  async close(): Promise<void> {
    await this.#closeFamilies()
    await this.#kept.release()
  }

  async #closeFamilies(): Promise<void> {
    await Promise.all(this.#families.map((family) => family.close()))
  }

  #read(device: string, message: Message): void {
    const { body, envelope, payload } = message
    if (body.kind !== 'sample' && body.kind !== 'patchRequest') {
      this.#metrics.unreadable.inc()
      return
    }
    // Statistics are those of the network that is named, and of no other that learns from the same frames.
    const families =
      body.kind === 'sample' && body.input !== 'statistics'
        ? (this.#samples.get(body.family) ?? [])
        : [(body.kind === 'sample' ? this.#told : this.#patched).get(body.family) ?? []].flat()
    if (families.length === 0) this.#metrics.strangers.inc()
    // A device that tells statistics of no use may still send pictures that are.
    if (body.kind === 'sample' && !this.#samples.has(body.family))
      this.#options.onStrangeSample(device, message)
    for (const family of families) {
      if (body.kind === 'sample') family.sample(device, envelope.boot, body, payload)
      else family.request(device, body)
    }
  }

  async #openLocal(family: AdaptableFamily, privateKey: KeyObject, folder: string): Promise<void> {
    const publisher = await openPublisher(family, privateKey, folder, this.#options)
    const adaptation = await this.#open(family, folder, publisher, true)
    this.#patched.set(family.key, adaptation)
    this.#told.set(family.key, adaptation)
    this.#feed(family.key, adaptation)
  }

  async #openSplit(family: SplitFamily, privateKey: KeyObject, folder: string): Promise<void> {
    const { config, bundles, clock, wallS, log } = this.#options
    const travels = family.halves.network.head !== undefined
    const heads = travels ? await openPublisher(family, privateKey, folder, this.#options) : undefined
    const tails = await SplitPublisher.open(
      {
        halves: family.halves,
        heads,
        path: `${fileOf(folder, family)}.tails`,
        tails: { limit: travels ? TAILS : 1, keepMs: config.adaptTailMs },
        clock,
      },
      wallS(),
      (reason) => log.error({ family: family.id, reason }, 'the tails that answered are lost'),
    )
    const adaptation = await this.#open(family, folder, tails, travels)
    if (travels) this.#patched.set(family.key, adaptation)
    for (const key of family.samples) this.#feed(key, adaptation)
    for (const { key, manifest } of bundles) {
      if (!family.bundles.includes(key)) continue
      const modes = manifest.modes.flatMap((mode) =>
        mode.route === 'split' && (mode.head ?? 'head') === 'head' ? [mode.id] : [],
      )
      this.#tails.set(key, { tails, modes: new Set(modes) })
    }
    this.#metrics.addTails(family.id, () => tails.tails)
  }

  #feed(key: number, family: FamilyAdaptation): void {
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), family])
  }

  /** `travels`: whether its versions go to devices. */
  async #open(
    family: AdaptableFamily,
    folder: string,
    publisher: Outlet,
    travels: boolean,
  ): Promise<FamilyAdaptation> {
    const { config, clock, wallS, spawn, log } = this.#options
    const setup = await learnerSetup(family, folder, config)
    const name = family.id
    const learner = await LearnerThread.open({
      setup,
      taskTimeoutMs: TASK_TIMEOUT_MS,
      ...(spawn ? { spawn } : {}),
      onTrouble: (what, reason) => {
        if (what === 'died') this.#metrics.restarts.inc({ family: name })
        else this.#metrics.failures.inc({ family: name })
        log.error(
          { family: name, reason },
          what === 'died' ? 'learning ended and begins again' : 'a step failed',
        )
      },
      onReady: (found, detail) => {
        const level = found === 'damaged' || found === 'other-networks' ? 'warn' : 'info'
        log[level]({ family: name, state: found, detail }, 'learning')
      },
    })
    const intake = new SampleIntake(
      {
        family,
        ledger: {
          capacity: config.maxDevices,
          perSecond: config.adaptUploadsPerSecond,
          burst: Math.ceil(UPLOAD_BURST_S * config.adaptUploadsPerSecond),
          ...SNAPSHOTS,
        },
        queue: { ...WAITING, devices: config.maxDevices },
      },
      learner.intake,
      clock(),
    )
    const pace: AdaptationPace = {
      roundSize: ROUND_SIZE,
      roundWaitMs: ROUND_WAIT_MS,
      publishSteps: config.adaptEverySteps,
      publishMs: config.adaptEveryMs,
      saveMs: config.adaptSaveMs,
      keepsPixels: config.adaptKeep === 'samples',
      votes: VOTES,
    }
    const observer = adaptationObserver(name, this.#metrics, log)
    const send = (patch: OutPatch, device?: string) => {
      if (travels) this.#send(family, patch, device)
    }
    const options = { intake, learner, publisher, pace, observer, send, clock, wallS }
    const adaptation = new FamilyAdaptation(name, options)
    this.#families.push(adaptation)
    this.#metrics.addFamily(name, {
      version: () => adaptation.version,
      waiting: () => adaptation.waiting,
    })
    return adaptation
  }

  #send({ key, hash }: AdaptableFamily, patch: OutPatch, device: string | undefined): void {
    const { config, epoch, clock, publish } = this.#options
    this.#sequence = (this.#sequence + 1) % COUNT_LIMIT
    const packet = encodeMessage(
      {
        envelope: { boot: epoch, sequence: this.#sequence, sentUs: clockUs32(clock()) },
        body: { kind: 'patch', family: key, version: patch.version, epoch: patch.epoch },
      },
      patch.bytes,
    )
    if (device === undefined) publish(patchTopic(config.site, hash), packet, { qos: 1, retain: true })
    else publish(topic(config.site, device, 'patch'), packet, { qos: 1 })
  }
}
