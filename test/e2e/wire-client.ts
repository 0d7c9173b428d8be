import {
  type BodyFields,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type InferRequest,
  type Message,
  topic,
  type Verb,
  wireErrorCodeOf,
} from '@isthmus/proto'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { modes } from './tiny-bundle.ts'

const SITE = 'default'

/** What a request asks; what is left out is right. */
export interface Asked {
  readonly payload?: Uint8Array
  readonly request?: Partial<Omit<InferRequest, 'kind'>>
  readonly envelope?: Partial<Envelope>
}

/** A latent of the tiny bundle that its 8-bit mode takes. */
export const latent: Uint8Array = Uint8Array.of(130, 10, 200, 90, 128, 60, 170, 240)

/** Speaks the wire without the SDK, so that it can say what no device would. */
export class WireClient {
  readonly id: string
  readonly mqtt: MqttClient
  readonly heard: Message[] = []
  /** How often its connection was lost. */
  losses = 0
  readonly #bundle: number
  readonly #boot = 1 + Math.floor(Math.random() * 1e9)
  #lastId = 0
  #waiting: (() => void)[] = []

  private constructor(id: string, client: MqttClient, bundle: number) {
    this.id = id
    this.mqtt = client
    this.#bundle = bundle
    client.on('error', () => {})
    client.on('close', () => {
      this.losses++
    })
    client.on('message', (_name, packet) => {
      this.heard.push(decodeMessage(packet))
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  static async connect(
    port: number,
    id: string,
    bundle: number,
    options: IClientOptions = {},
  ): Promise<WireClient> {
    const url = `mqtt://127.0.0.1:${port}`
    const client = mqtt.connect(url, { clientId: id, reconnectPeriod: 0, resubscribe: true, ...options })
    const device = new WireClient(id, client, bundle)
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('error', reject)
    })
    await client.subscribeAsync(topic(SITE, id, 'reply'))
    return device
  }

  /** A request as bytes, and its id. */
  request({ payload = latent, request, envelope }: Asked = {}): { id: number; packet: Uint8Array } {
    const id = ++this.#lastId
    const known = { id, boot: this.#boot, sequence: id }
    const body: BodyFields = {
      kind: 'infer',
      bundle: this.#bundle,
      mode: modes.split,
      route: 'split',
      ...request,
    }
    const packet = encodeMessage({ envelope: { ...known, ...envelope }, body }, payload)
    return { id: envelope?.id ?? id, packet }
  }

  publish(verb: Verb, packet: Uint8Array): Promise<unknown> {
    return this.mqtt.publishAsync(topic(SITE, this.id, verb), Buffer.from(packet))
  }

  /** Asks, and waits for the outcome. */
  async ask(asked: Asked = {}): Promise<readonly number[] | string> {
    const { id, packet } = this.request(asked)
    await this.publish('infer', packet)
    return this.outcome(id)
  }

  /** The next answer to a request: its numbers, or the code of its error. 0: what belongs to no request. */
  async outcome(id: number): Promise<readonly number[] | string> {
    for (;;) {
      const at = this.heard.findIndex(({ envelope }) => envelope.id === id)
      if (at !== -1) return outcomeOf(this.heard.splice(at, 1)[0]!)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async end(): Promise<void> {
    await this.mqtt.endAsync(true)
  }
}

function outcomeOf({ body, payload }: Message): readonly number[] | string {
  if (body.kind === 'error') return wireErrorCodeOf(body.code) ?? `error ${body.code}`
  if (body.kind !== 'reply') return body.kind
  return [...new Float32Array(payload.slice().buffer)]
}
