import { RandomStream } from '@isthmus/policies/env'
import { decodeMessage, encodeMessage, topic } from '@isthmus/proto'
import mqtt, { type MqttClient } from 'mqtt'

const SITE = 'default'
const CONNECTING = 50

/** Many devices, each with a connection of its own, that bid once a round and give back what they win. */
export class LiveBidders {
  readonly #clients: MqttClient[] = []
  readonly #random: RandomStream
  #id = 0
  #open = new Set<number>()
  #lastMs = 0
  #won = 0
  #whenAll: () => void = () => {}

  private constructor(seed: number) {
    this.#random = new RandomStream(seed)
  }

  static async connect(port: number, count: number, seed: number): Promise<LiveBidders> {
    const bidders = new LiveBidders(seed)
    for (let from = 0; from < count; from += CONNECTING) {
      const some = Array.from({ length: Math.min(CONNECTING, count - from) }, (_, at) =>
        bidders.#connect(port, from + at),
      )
      await Promise.all(some)
    }
    return bidders
  }

  /**
   * Everybody bids. Resolves when everybody has its award; `lastMs`: when the last one came, on the wall clock of this machine.
   */
  async round(): Promise<{ readonly lastMs: number; readonly won: number }> {
    this.#id++
    this.#won = 0
    this.#open = new Set(this.#clients.keys())
    const all = new Promise<void>((resolve) => {
      this.#whenAll = resolve
    })
    for (const [at, client] of this.#clients.entries()) {
      const amount = (most: number) => this.#random.uniform() * most
      const body = {
        kind: 'bid' as const,
        nonce: this.#id,
        validMs: 60_000,
        demand: [0.05 + amount(1), amount(2), 0, amount(20)],
        price: 1 + amount(10),
        priority: this.#random.uniform(),
      }
      client.publish(topic(SITE, nameOf(at), 'bid'), Buffer.from(encodeMessage(this.#head(body))), { qos: 1 })
    }
    await all
    return { lastMs: this.#lastMs, won: this.#won }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.endAsync(true)))
  }

  async #connect(port: number, at: number): Promise<void> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: nameOf(at),
      reconnectPeriod: 0,
    })
    this.#clients[at] = client
    client.on('error', () => {})
    client.on('message', (_, packet) => this.#onAward(at, packet))
    await client.subscribeAsync(topic(SITE, nameOf(at), 'award'), { qos: 1 })
  }

  #onAward(at: number, packet: Buffer): void {
    const nowMs = performance.timeOrigin + performance.now()
    const { envelope, body } = decodeMessage(packet)
    if (body.kind !== 'award' || envelope.id !== this.#id || !this.#open.delete(at)) return
    this.#lastMs = nowMs
    if (body.outcome === 'won') {
      this.#won++
      const release = { kind: 'release' as const, nonce: body.nonce, server: body.server }
      const packed = Buffer.from(encodeMessage(this.#head(release)))
      this.#clients[at]!.publish(topic(SITE, nameOf(at), 'bid'), packed, { qos: 1 })
    }
    if (this.#open.size === 0) this.#whenAll()
  }

  #head(body: Parameters<typeof encodeMessage>[0]['body']): Parameters<typeof encodeMessage>[0] {
    return { envelope: { id: this.#id, boot: 1 }, body }
  }
}

const nameOf = (at: number): string => `bidder-${at}`
