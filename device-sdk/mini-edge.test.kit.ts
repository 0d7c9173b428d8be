import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import type { Bundle } from '@isthmus/models/bundle'
import { dequantize } from '@isthmus/models/codec'
import { openSession } from '@isthmus/models/runtime'
import { type BodyFields, clockUs32, decodeMessage, encodeMessage, type Message, topic } from '@isthmus/proto'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'

/** A broker and a server in one, as small as they can be: it runs tails, and nothing else of a server. */
export class MiniEdge {
  readonly port: number
  /** MQTT over WebSocket. */
  readonly wsPort: number
  requests = 0
  /** Samples, and requests for patches. */
  readonly samples: Message[] = []
  /** Runs its tail for any head, and says so. */
  followsPatches = false
  /** What it says that its tail is, whatever the head's version. */
  tailVersion: number | undefined
  /** Keeps quiet when asked. */
  silent = false
  readonly #broker: Aedes
  readonly #close: () => Promise<void>

  private constructor(port: number, wsPort: number, broker: Aedes, close: () => Promise<void>) {
    this.port = port
    this.wsPort = wsPort
    this.#broker = broker
    this.#close = close
  }

  static async open(bundle: Bundle, port = 0): Promise<MiniEdge> {
    const broker = await Aedes.createBroker()
    const server = createServer(broker.handle)
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => sockets.add(socket))
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const http = createHttpServer()
    http.on('connection', (socket) => sockets.add(socket))
    new WebSocketServer({ server: http }).on('connection', (socket, request) => {
      broker.handle(createWebSocketStream(socket), request)
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const session = await openSession(bundle.modelBytes('tail'))
    const ports = [server, http].map((one) => (one.address() as { port: number }).port) as [number, number]
    const edge = new MiniEdge(...ports, broker, async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => http.close(() => resolve()))
      await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())))
      await session.dispose()
    })
    const offer = { name: bundle.manifest.name, version: bundle.manifest.version, key: bundle.key }
    edge.#retain('birth', { kind: 'birth', software: 'mini', bundles: [offer], credits: 4, epoch: 1 })
    edge.#retain('state', { kind: 'state', presence: 'online' })
    broker.on('publish', ({ topic: name, payload }, client) => {
      if (client && name.endsWith('/sample')) edge.samples.push(decodeMessage(Buffer.from(payload as Buffer)))
      if (client && name.endsWith('/infer')) void edge.#answer(client.id, payload as Buffer, session, bundle)
    })
    return edge
  }

  /** Publishes a patch: retained at its family's topic, or for one device. */
  sendPatch(
    name: string,
    { family, version, epoch }: { family: number; version: number; epoch: number },
    bytes: Uint8Array,
    retain = true,
  ): void {
    this.#publish(name, { kind: 'patch', family, version, epoch }, bytes, 0, retain)
  }

  close(): Promise<void> {
    return this.#close()
  }

  async #answer(
    device: string,
    packet: Buffer,
    session: Awaited<ReturnType<typeof openSession>>,
    bundle: Bundle,
  ) {
    const receivedUs = clockUs32(performance.now())
    if (this.silent) return
    const { envelope, body, payload } = decodeMessage(packet)
    const echo = { echoUs: envelope.sentUs, receivedUs, epoch: 1 }
    const spentUs = () => (clockUs32(performance.now()) - receivedUs) >>> 0
    if (body.kind === 'probe') {
      const reply = { kind: 'probeReply', probeBytes: packet.length, ...echo, serverUs: spentUs() } as const
      return this.#publish(topic('default', device, 'reply'), reply, undefined, envelope.id)
    }
    const mode = bundle.manifest.modes.find(({ id }) => body.kind === 'infer' && id === body.mode)
    if (mode?.route !== 'split') return
    this.requests++
    const data = dequantize(payload, 8, mode.quantizer)
    const { y } = await session.run({ z: { dtype: 'float32', dims: [1, 8], data } })
    const values = y!.data as Float32Array
    const result = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const reply: BodyFields = {
      kind: 'reply',
      bundle: bundle.key,
      dims: [1, 4],
      ...echo,
      serverUs: spentUs(),
      ...(this.followsPatches && body.kind === 'infer'
        ? { patch: this.tailVersion ?? body.patch, patchEpoch: body.patchEpoch }
        : {}),
    }
    this.#publish(topic('default', device, 'reply'), reply, result, envelope.id)
  }

  #retain(verb: 'birth' | 'state', body: BodyFields): void {
    this.#publish(topic('default', 'edge', verb), body, undefined, 0, true)
  }

  #publish(
    name: string,
    body: BodyFields,
    payload: Uint8Array | undefined,
    id: number,
    retain = false,
  ): void {
    const packet = Buffer.from(encodeMessage({ envelope: { id, boot: 1 }, body }, payload))
    this.#broker.publish(
      { cmd: 'publish', topic: name, payload: packet, qos: 0, retain, dup: false },
      () => {},
    )
  }
}
