import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** MQTT 3.1.1: packet types with their flags, as the first byte of a packet. */
const CONNECT = 0x10
const SUBSCRIBE = 0x82
const PUBLISH = 0x30
const TYPE = 0xf0

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function fixedHeader(first: number, length: number): Buffer {
  const bytes = [first]
  let rest = length
  do {
    const digit = rest & 0x7f
    rest >>>= 7
    bytes.push(rest > 0 ? digit | 0x80 : digit)
  } while (rest > 0)
  return Buffer.from(bytes)
}

const packet = (first: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([fixedHeader(first, body.length), body])
}

/**
 * As much MQTT as a load generator needs, at QoS 0: it shares the cores with the server that it measures, and a
 * full client costs as much of them as the server does.
 */
export class BareMqtt {
  readonly #socket: Socket
  readonly #onMessage: (payload: Uint8Array) => void
  #pending: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, onMessage: (payload: Uint8Array) => void) {
    this.#socket = socket
    this.#onMessage = onMessage
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Connects to `mqtt://host:port`, subscribes to `filter`, and resolves when both have been sent. */
  static async connect(
    url: string,
    id: string,
    filter: string,
    onMessage: (payload: Uint8Array) => void,
  ): Promise<BareMqtt> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    const protocol = Buffer.concat([text('MQTT'), Buffer.of(4, 0x02, 0, 0)])
    socket.write(packet(CONNECT, protocol, text(id)))
    socket.write(packet(SUBSCRIBE, Buffer.of(0, 1), text(filter), Buffer.of(0)))
    return new BareMqtt(socket, onMessage)
  }

  publish(topic: string, payload: Uint8Array): void {
    const name = text(topic)
    this.#socket.cork()
    this.#socket.write(Buffer.concat([fixedHeader(PUBLISH, name.length + payload.length), name]))
    this.#socket.write(payload)
    this.#socket.uncork()
  }

  async close(): Promise<void> {
    this.#socket.end()
    await once(this.#socket, 'close')
  }

  #read(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    let at = 0
    for (;;) {
      let length = 0
      let body = at + 1
      for (let shift = 0; ; shift += 7) {
        if (body >= bytes.length) break
        const digit = bytes[body++]!
        length |= (digit & 0x7f) << shift
        if (digit < 0x80) break
      }
      const complete = body > at + 1 && bytes[body - 1]! < 0x80 && body + length <= bytes.length
      if (!complete) break
      if ((bytes[at]! & TYPE) === PUBLISH) {
        const topicBytes = bytes.readUInt16BE(body)
        this.#onMessage(bytes.subarray(body + 2 + topicBytes, body + length))
      }
      at = body + length
    }
    this.#pending = bytes.subarray(at)
  }
}
