import type { Socket } from 'node:net'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { ReconnectWait } from './reconnect-wait.ts'
import type { Transport, TransportHandlers } from './transport.ts'

export interface MqttTransportOptions {
  /** mqtt://, mqtts://, ws:// or wss:// */
  readonly url: string
  readonly clientId: string
  readonly will: { readonly topic: string; readonly payload: Uint8Array }
  /** Shortest and longest wait between two attempts to connect, in ms (`ReconnectWait`). */
  readonly reconnect: { readonly minMs: number; readonly maxMs: number }
  /** Of the waits. Default `Math.random`. */
  readonly random?: () => number
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Certificates and key in PEM, for mqtts:// and wss://. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  /** What the broker did not let the device hear is asked for again after so long, in ms. Default 10 000. */
  readonly askAgainMs?: number
  /** Told why an attempt failed, for a log. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** Bytes that may wait in the socket before sending is refused: what lies there is late already. */
const MAX_WAITING_BYTES = 262_144

const ASK_AGAIN_MS = 10_000
/** MQTT 3.1.1, 3.9.3: in place of the QoS that a filter is granted with. */
const REFUSED = 0x80

/** A connection that broke sooner than this after it was made did not last. */
const LASTING_MS = 5000

/**
 * MQTT 3.1.1 over mqtt.js. Nothing is queued while offline; a message that must arrive (birth, state) is published
 * anew after each connect by whoever needs it.
 */
export class MqttTransport implements Transport {
  readonly #options: MqttTransportOptions
  #client: MqttClient | undefined
  /** QoS 1 messages not acknowledged yet. */
  readonly #unacknowledged = new Set<number>()

  constructor(options: MqttTransportOptions) {
    this.#options = options
  }

  start(handlers: TransportHandlers): void {
    const { url, clientId, will, reconnect, random = Math.random, username, password, tls } = this.#options
    const wait = new ReconnectWait(reconnect, random)
    const settings: IClientOptions = {
      clientId,
      protocolVersion: 4,
      clean: true,
      queueQoSZero: false,
      resubscribe: false,
      reconnectPeriod: reconnect.minMs,
      reconnectOnConnackError: true,
      connectTimeout: 5000,
      keepalive: 15,
      will: { topic: will.topic, payload: asBuffer(will.payload), qos: 1, retain: true },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      // mqtt.js leaves out the brackets of an IPv6 address.
      transformWsUrl: (address, { hostname = '' }) =>
        hostname.includes(':') ? address.replace(hostname, `[${hostname}]`) : address,
      ...tls,
    }
    const client = mqtt.connect(url, settings)
    this.#client = client
    let connectedMs = Number.POSITIVE_INFINITY
    client.on('connect', () => {
      connectedMs = performance.now()
      // Nagle's algorithm would let a small message wait for the acknowledgement of the one before it: 40 ms and more.
      const { setNoDelay } = client.stream as Partial<Socket>
      setNoDelay?.call(client.stream, true)
      handlers.onOnline()
    })
    // Before mqtt.js reads it.
    client.prependListener('close', () => {
      // A connection that did not last counts as a failed attempt: two devices with one id would throw each other out
      // without a pause.
      if (performance.now() - connectedMs > LASTING_MS) wait.reset()
      connectedMs = Number.POSITIVE_INFINITY
      client.options.reconnectPeriod = wait.next()
    })
    client.on('close', () => {
      // They are published anew after the reconnect: kept, they would pile up.
      for (const id of this.#unacknowledged) client.removeOutgoingMessage(id)
      this.#unacknowledged.clear()
      handlers.onOffline()
    })
    client.on('error', (error) => this.#options.onError?.(error))
    client.on('message', (topic, payload) => handlers.onMessage(topic, payload))
  }

  subscribe(filters: readonly string[]): void {
    const client = this.#client
    const stream = client?.stream
    client?.subscribe([...filters], { qos: 1 }, (error, asked = [], answer) => {
      if (!error) return
      this.#options.onError?.(error)
      const refused = asked.filter((_, at) => Number(answer?.granted[at]) >= REFUSED)
      if (refused.length === 0) return
      // A broker may refuse for a moment: whom it asks may be away. The next connection begins anew.
      const again = () => {
        if (client.connected && client.stream === stream) this.subscribe(refused.map(({ topic }) => topic))
      }
      setTimeout(again, this.#options.askAgainMs ?? ASK_AGAIN_MS).unref?.()
    })
  }

  publish(topic: string, packet: Uint8Array, options: { qos?: 0 | 1; retain?: boolean } = {}): boolean {
    const client = this.#client
    if (!client?.connected || client.disconnecting) return false
    const { qos = 0, retain = false } = options
    if (!retain && client.stream.writableLength > MAX_WAITING_BYTES) return false
    client.publish(topic, asBuffer(packet), { qos, retain }, (error, sent) => {
      if (sent?.messageId !== undefined) this.#unacknowledged.delete(sent.messageId)
      if (error && client.connected) this.#options.onError?.(error)
    })
    if (qos === 1) this.#unacknowledged.add(client.getLastMessageId())
    return true
  }

  async close(): Promise<void> {
    const client = this.#client
    if (!client) return
    // A polite end waits for acknowledgements, which do not come when the broker hangs.
    const ended = client.endAsync(false)
    const cut = new Promise<void>((resolve) => setTimeout(resolve, 500).unref?.())
    await Promise.race([ended.catch(() => {}), cut])
    // mqtt.js does not cut short an end that waits already.
    client.stream.destroy()
  }
}

/** mqtt.js asks for a Buffer by type, but takes any bytes; a browser has no Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes as Buffer
}
