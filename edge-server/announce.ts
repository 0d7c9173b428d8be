import {
  type BodyFields,
  type BundleOffer,
  clockUs32,
  decodeMessage,
  EDGE_ID,
  encodeMessage,
  type PipelineOffer,
  type Presence,
  topic,
  type Verb,
} from '@isthmus/proto'
import type { Transport } from './broker/transport.ts'
import { wireUs } from './dispatch/replies.ts'

export interface Load {
  readonly queued: number
  readonly busy: number
  readonly workers: number
  /** What a request that comes now would wait, in ms. */
  readonly waitMs: number
}

export interface AnnouncerOptions {
  readonly site: string
  /** Id of this server. */
  readonly id?: string
  /** Whether it also speaks for the whole site, as `edge`. */
  readonly isFace?: () => boolean
  readonly epoch: number
  readonly software: string
  readonly bundles: readonly BundleOffer[]
  readonly pipelines: readonly PipelineOffer[]
  readonly credits: number
  readonly maxMessageBytes: number
  readonly clock: () => number
  readonly load: () => Load
  /** Shortest time between two announcements of the load. */
  readonly stateEveryMs: number
}

/** What the server says of itself, retained: its birth (what it has) and its state (how busy it is). */
export class Announcer {
  readonly #options: AnnouncerOptions
  #transport: Transport | undefined
  #presence: Presence = 'online'
  #sequence = 0
  #said: Load | undefined
  #saidMs = Number.NEGATIVE_INFINITY

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** The broker says this when the server is gone without a word. */
  will(): { topic: string; packet: Uint8Array } {
    return {
      topic: topic(this.#options.site, this.#id, 'state'),
      packet: this.#encode({ kind: 'state', presence: 'offline' }),
    }
  }

  /** Says everything: at the start, and again whenever the broker may have forgotten it. */
  async announce(transport: Transport): Promise<void> {
    this.#transport = transport
    const { software, bundles, pipelines, credits, epoch, maxMessageBytes } = this.#options
    const birth: BodyFields = {
      kind: 'birth',
      software,
      bundles: [...bundles],
      pipelines,
      credits,
      epoch,
      maxMessageBytes,
    }
    await this.#publish('birth', birth)
    await this.#sayState()
  }

  /** Says whether the server is online, draining or offline. */
  async become(presence: Presence): Promise<void> {
    this.#presence = presence
    await this.#sayState()
  }

  /**
   * A message has come at a `state` topic. The last will of an earlier life may come when this one has long been there, and stay in place of what
   * this one has said: then the state is said again with the next tick.
   */
  hear(topicName: string, packet: Uint8Array): void {
    const { site } = this.#options
    if (this.#presence === 'offline' || !this.#ids.some((id) => topicName === topic(site, id, 'state')))
      return
    try {
      const { body } = decodeMessage(packet)
      if (body.kind === 'state' && body.presence === 'offline') this.#said = undefined
    } catch {
      // Whoever cannot be read has not said that this server is gone.
    }
  }

  /** Says the load if it has changed and was not said just now. */
  tick(): void {
    const { clock, stateEveryMs, load } = this.#options
    if (clock() - this.#saidMs < stateEveryMs) return
    const now = load()
    const said = this.#said
    if (said?.queued === now.queued && said.busy === now.busy && said.workers === now.workers) return
    void this.#sayState()
  }

  #sayState(): Promise<void> {
    const load = this.#options.load()
    this.#said = load
    this.#saidMs = this.#options.clock()
    const { waitMs, ...counts } = load
    return this.#publish('state', {
      kind: 'state',
      presence: this.#presence,
      ...counts,
      waitUs: wireUs(waitMs),
    })
  }

  async #publish(verb: Verb, body: BodyFields): Promise<void> {
    const { site } = this.#options
    const packet = this.#encode(body)
    await Promise.all(
      this.#ids.map((id) =>
        this.#transport?.publish(topic(site, id, verb), packet, { qos: 1, retain: true }),
      ),
    )
  }

  /** Whom it speaks for. */
  get #ids(): readonly string[] {
    return this.#options.isFace?.() && this.#id !== EDGE_ID ? [this.#id, EDGE_ID] : [this.#id]
  }

  get #id(): string {
    return this.#options.id ?? EDGE_ID
  }

  #encode(body: BodyFields): Uint8Array {
    const { epoch, clock } = this.#options
    this.#sequence++
    return encodeMessage({
      envelope: { boot: epoch, sequence: this.#sequence, sentUs: clockUs32(clock()) },
      body,
    })
  }
}
