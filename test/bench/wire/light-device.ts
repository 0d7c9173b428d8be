import { clockUs32, decodeMessage, encodeMessage, topic, wireErrorCodeOf } from '@isthmus/proto'
import { BareMqtt } from './bare-mqtt.ts'
import { payloadBytes, SPLIT_MODE } from './bundles.ts'

/** What one device saw during a window. */
export interface Tally {
  readonly answered: number
  /** Error code → replies. */
  readonly errors: Readonly<Record<string, number>>
}

/**
 * A device that only asks: it sends one coded latent, waits for the answer, and sends the next. No head, no local model,
 * no policy: the server is what is measured.
 */
export class LightDevice {
  #client!: BareMqtt
  #bundle = 0
  readonly #inferTopic: string
  readonly #payload: Uint8Array
  readonly #boot = 1
  #lastId = 0
  #asking = false
  #answered = 0
  #errors: Record<string, number> = {}
  #idle: (() => void) | undefined

  private constructor(id: string) {
    this.#inferTopic = topic('default', id, 'infer')
    this.#payload = new Uint8Array(payloadBytes).map((_, at) => (at * 31) % 256)
  }

  static async connect(url: string, id: string): Promise<LightDevice> {
    const device = new LightDevice(id)
    const replies = topic('default', id, 'reply')
    device.#client = await BareMqtt.connect(url, id, replies, (packet) => device.#onReply(packet))
    return device
  }

  start(bundle: number): void {
    this.#bundle = bundle
    this.#asking = true
    this.#ask()
  }

  /** Forgets what was counted so far. */
  reset(): void {
    this.#answered = 0
    this.#errors = {}
  }

  get tally(): Tally {
    return { answered: this.#answered, errors: { ...this.#errors } }
  }

  /** Resolves when the request that is out is answered. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      this.#asking = false
    })
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  #ask(): void {
    const id = ++this.#lastId
    const sentUs = clockUs32(performance.now())
    const packet = encodeMessage(
      {
        envelope: { id, boot: this.#boot, sequence: id, budgetUs: 5_000_000, sentUs },
        body: { kind: 'infer', bundle: this.#bundle, mode: SPLIT_MODE, route: 'split' },
      },
      this.#payload,
    )
    this.#client.publish(this.#inferTopic, packet)
  }

  #onReply(packet: Uint8Array): void {
    const { body, envelope } = decodeMessage(packet)
    if (envelope.id !== this.#lastId) return
    if (body.kind === 'reply') this.#answered++
    else if (body.kind === 'error') {
      const code = wireErrorCodeOf(body.code) ?? String(body.code)
      this.#errors[code] = (this.#errors[code] ?? 0) + 1
    }
    if (this.#asking) this.#ask()
    else this.#idle?.()
  }
}
