import type { Socket } from 'node:net'
import mqtt, { type ErrorWithSubackPacket } from 'mqtt'
import { edgeError } from '../errors.ts'
import type { MessageHandler, PublishOptions, Transport } from './transport.ts'

export interface ExternalBrokerOptions {
  /** Such as `mqtts://broker.local:8883`. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly clientId: string
  /** Said by the broker when this server is gone without a word; retained, QoS 1. */
  readonly will: { readonly topic: string; readonly packet: Uint8Array }
  /** Told when the connection is lost, and when there is one again. */
  readonly onConnection: (connected: boolean) => void
  /** How long an acknowledgement is waited for. Default 2000. */
  readonly ackTimeoutMs?: number
}

const CONNECT_TIMEOUT_MS = 5000
const RECONNECT_MS = 1000
const ACK_TIMEOUT_MS = 2000
/** MQTT 3.1.1, 3.9.3: in place of the QoS that a filter is granted with. */
const REFUSED = 0x80

/** A broker elsewhere. Once there has been a connection, it is sought again for ever. */
export class ExternalBroker implements Transport {
  readonly #client: mqtt.MqttClient
  readonly #ackTimeoutMs: number
  /** Publications that have not gone out, or that the broker has not acknowledged. */
  #unacknowledged = 0
  /** Message ids of those with QoS 1. */
  readonly #ids = new Set<number>()
  #handler: MessageHandler = () => {}
  #reconnected: () => void = () => {}
  /** What is to be heard of, at each connection anew. */
  readonly #filters = new Set<string>()
  /** Whether there is a connection on which all of that is heard. */
  #hears = true

  private constructor(client: mqtt.MqttClient, options: ExternalBrokerOptions) {
    this.#client = client
    this.#ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS
    client.on('message', (topic, payload, { retain }) => this.#handler(topic, payload, retain))
    client.on('connect', () => {
      if (this.#filters.size === 0) this.#isBack(options)
      else this.#hearAgain(options)
    })
    client.on('close', () => {
      // What must arrive is said anew after a reconnect. Kept, it would go out first, as it was, one message after another, and nothing would be
      // heard before all of that is acknowledged.
      for (const id of this.#ids) client.removeOutgoingMessage(id)
      this.#ids.clear()
      // Also each attempt that fails ends so.
      if (!this.#hears) return
      this.#hears = false
      options.onConnection(false)
    })
  }

  /** Connects. Throws NO_BROKER or BROKER_REFUSED when the first attempt fails. */
  static async open(options: ExternalBrokerOptions): Promise<ExternalBroker> {
    const { url, username, password, clientId, will } = options
    const client = mqtt.connect(url, {
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      clean: true,
      protocolVersion: 4,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: RECONNECT_MS,
      // One filter that was refused, and it would ask for none of them at any later connection.
      resubscribe: false,
      // A broker that is starting, or whose users are looked up elsewhere, may refuse for a while.
      reconnectOnConnackError: true,
      queueQoSZero: false,
      // mqtt.js leaves out the brackets of an IPv6 address.
      transformWsUrl: (address, { hostname = '' }) =>
        hostname.includes(':') ? address.replace(hostname, `[${hostname}]`) : address,
      will: { topic: will.topic, payload: Buffer.from(will.packet), qos: 1, retain: true },
    })
    // Nagle's algorithm would let a small answer wait for the acknowledgement of the one before it: 40 ms and more.
    client.on('connect', () => {
      const { setNoDelay } = client.stream as Partial<Socket>
      setNoDelay?.call(client.stream, true)
    })
    // Errors end in another attempt, and someone has to listen.
    client.on('error', () => {})
    try {
      await firstConnection(client, new URL(url).host)
    } catch (error) {
      client.end(true)
      throw error
    }
    return new ExternalBroker(client, options)
  }

  get connected(): boolean {
    return this.#client.connected && this.#hears
  }

  async publish(
    topic: string,
    packet: Uint8Array,
    { qos = 0, retain = false }: PublishOptions = {},
  ): Promise<void> {
    if (!this.#client.connected) return
    const payload = Buffer.from(packet.buffer, packet.byteOffset, packet.length)
    this.#unacknowledged++
    await new Promise<void>((resolve) => {
      // A broker that hangs must not keep the server from going on, or from stopping.
      const timer = setTimeout(resolve, this.#ackTimeoutMs)
      this.#client.publish(topic, payload, { qos, retain }, (_, sent) => {
        if (sent?.messageId !== undefined) this.#ids.delete(sent.messageId)
        clearTimeout(timer)
        this.#unacknowledged--
        resolve()
      })
      if (qos === 1) this.#ids.add(this.#client.getLastMessageId())
    })
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    const asked = this.#client.subscribeAsync([...filters], { qos: 1 }).catch((error) => {
      const { packet } = error as Partial<ErrorWithSubackPacket>
      if (!packet) throw edgeError('NO_BROKER', `The broker grants no subscription: ${error.message}`, error)
      const denied = filters.filter((_, at) => Number(packet.granted[at]) >= REFUSED)
      throw edgeError('BROKER_REFUSED', `The broker does not let the server read ${denied}`, error)
    })
    const grants = await Promise.race([asked, after(CONNECT_TIMEOUT_MS)])
    if (grants === undefined) throw edgeError('NO_BROKER', 'The broker grants no subscription in time')
    for (const filter of filters) this.#filters.add(filter)
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler
  }

  onReconnect(handler: () => void): void {
    this.#reconnected = handler
  }

  /** A server that is connected and hears nothing is of no use: it tries another connection when filters are refused. */
  #hearAgain(options: ExternalBrokerOptions): void {
    const { stream } = this.#client
    this.#client.subscribe([...this.#filters], { qos: 1 }, (error) => {
      if (error) stream.destroy()
      else this.#isBack(options)
    })
  }

  #isBack(options: ExternalBrokerOptions): void {
    this.#hears = true
    options.onConnection(true)
    this.#reconnected()
  }

  async close(): Promise<void> {
    // A polite end waits for what is not acknowledged, if need be for ever.
    await this.#client.endAsync(!this.#client.connected || this.#unacknowledged > 0)
  }
}

function firstConnection(client: mqtt.MqttClient, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      client.off('connect', onConnect)
      client.off('error', onError)
      client.off('close', onClose)
    }
    const fail = (refused: boolean, detail: string, cause?: unknown) => {
      settle()
      const said = `The broker at ${host} ${refused ? 'refuses the server' : 'does not answer'}: ${detail}`
      reject(edgeError(refused ? 'BROKER_REFUSED' : 'NO_BROKER', said, cause))
    }
    const onConnect = () => {
      settle()
      resolve()
    }
    const onError = (error: Error & { code?: unknown }) =>
      fail(typeof error.code === 'number', error.message || String(error.code ?? error), error)
    const onClose = () => fail(false, 'the connection was closed')
    client.on('connect', onConnect)
    client.on('error', onError)
    client.on('close', onClose)
  })
}

const after = (delayMs: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(undefined), delayMs).unref()
  })
