import {
  type Body,
  type BodyFields,
  decodeMessage,
  EDGE_ID,
  type Envelope,
  encodeMessage,
  type Message,
  topic,
  type Verb,
  wireErrorCodeOf,
} from '@isthmus/proto'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

export const SITE = 'yard'

/** A device of the tests: speaks the wire, believes nothing, and keeps everything that it is sent. */
export class WireDevice {
  readonly id: string
  readonly client: MqttClient
  readonly heard: { topic: string; message: Message }[] = []
  readonly #boot = 1 + Math.floor(Math.random() * 1e9)
  #lastId = 0
  readonly #asked = new Set<string>()
  #waiting: (() => void)[] = []

  private constructor(id: string, client: MqttClient) {
    this.id = id
    this.client = client
    client.on('error', () => {})
    client.on('message', (name, packet) => {
      this.heard.push({ topic: name, message: decodeMessage(packet) })
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  static async connect(url: string, id: string, options: IClientOptions = {}): Promise<WireDevice> {
    const client = mqtt.connect(url, { clientId: id, reconnectPeriod: 0, ...options })
    const device = new WireDevice(id, client)
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('error', reject)
    })
    await client.subscribeAsync(topic(SITE, id, 'reply'))
    return device
  }

  /** Sends a request and returns its id. */
  send(payload: Uint8Array, body: Partial<BodyFields>, envelope: Partial<Envelope> = {}): number {
    const id = ++this.#lastId
    this.publish(
      'infer',
      encodeMessage(
        {
          envelope: { id, boot: this.#boot, sequence: id, ...envelope },
          body: { kind: 'infer', mode: 1, route: 'split', ...body } as BodyFields,
        },
        payload,
      ),
    )
    return id
  }

  publish(verb: Verb, packet: Uint8Array): void {
    this.client.publish(topic(SITE, this.id, verb), Buffer.from(packet))
  }

  /** The first message that has not been taken yet and fits; waits for it. */
  async take(fits: (message: Message, topic: string) => boolean): Promise<Message> {
    for (;;) {
      const at = this.heard.findIndex((heard) => fits(heard.message, heard.topic))
      if (at !== -1) return this.heard.splice(at, 1)[0]!.message
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
  }

  /** The answer to a request: a result, or the name of its error. */
  async answer(id: number): Promise<number[] | string> {
    const { body, payload } = await this.take(({ envelope }) => envelope.id === id)
    return outcomeOf(body, payload)
  }

  /** Waits until the server says this of itself. */
  async hearsServer(verb: 'birth' | 'state', fits: (body: Body) => boolean = () => true): Promise<Message> {
    if (!this.#asked.has(verb)) {
      this.#asked.add(verb)
      await this.client.subscribeAsync(topic(SITE, EDGE_ID, verb), { qos: 1 })
    }
    return this.take((message, name) => name === topic(SITE, EDGE_ID, verb) && fits(message.body))
  }

  async close(): Promise<void> {
    await this.client.endAsync(true)
  }
}

export function outcomeOf(body: Body, payload: Uint8Array): number[] | string {
  if (body.kind === 'error') return wireErrorCodeOf(body.code) ?? `error ${body.code}`
  if (body.kind !== 'reply') return body.kind
  return [...new Float32Array(payload.slice().buffer)].map((value) => Math.round(value * 1e4) / 1e4)
}
