import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { deviceMayPublish, deviceMaySubscribe, isDeviceId, parseTopic } from '@isthmus/proto'
import { Aedes, type Client } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { edgeError } from '../errors.ts'
import { ConnectionGuard, type CutReason } from './connection-guard.ts'
import { Credentials } from './credentials.ts'
import { DirectLanes } from './direct-lanes.ts'
import { RetainedMessages } from './retained-messages.ts'
import type { MessageHandler, PublishOptions, Transport } from './transport.ts'

/** Why the broker turned something away. */
export type BrokerRefusal =
  | CutReason
  | 'not-accepted'
  | 'protocol'
  | 'client-id'
  | 'credentials'
  | 'forbidden-topic'
  | 'forbidden-filter'

export interface EmbeddedBrokerOptions {
  readonly site: string
  readonly host: string
  /** 0 takes a free one. */
  readonly mqttPort: number
  readonly wsPort: number | 'off'
  /** Device id → password. Without it, every well-formed device id may connect. */
  readonly users?: Readonly<Record<string, string>> | undefined
  readonly maxMessageBytes: number
  readonly maxConnections: number
  /** MQTT packets that one connection may send in a second; more are made to wait. */
  readonly packetsPerSecond: number
  /** Devices whose retained messages are kept. */
  readonly maxDevices: number
  /** `detail`: what the system has said, where it is the system that refuses. */
  readonly onRefusal: (reason: BrokerRefusal, clientId: string, detail?: string) => void
  /** A second connection with a device's id closed the first. */
  readonly onTakeover: (device: string) => void
}

const sent = Promise.resolve()
/** Topic, packet id and the like, beside the message itself. */
const MQTT_HEADER_BYTES = 1024
const MAX_UNREAD_BYTES = 1 << 20
/** A WebSocket frame may hold several packets. */
const MAX_FRAME_BYTES = 1 << 20
const CONNECT_TIMEOUT_MS = 10_000
const MAX_RETAINED_BYTES = 16_384
/** MQTT 3.1.1, 3.2.2.3. */
const IDENTIFIER_REJECTED = 2
const BAD_USERNAME_OR_PASSWORD = 4
/** Stands for an id that was left out; no device may bear it. */
const NO_ID = '(none)'

/**
 * The MQTT broker inside the server (3.1 and 3.1.1, TCP and WebSocket), open to devices only: each publishes below
 * its own id, and reads there, at the server's birth and state, and what the others of the site tell. Every session is a clean one, retained messages
 * are small and limited in number, large packets and slow readers are cut off.
 */
export class EmbeddedBroker implements Transport {
  readonly connected = true
  readonly #options: EmbeddedBrokerOptions
  readonly #aedes: Aedes
  readonly #credentials: Credentials | undefined
  readonly #retained: RetainedMessages
  readonly #servers: (Server | HttpServer)[] = []
  /** Sockets that are open, of both ports. */
  #open = 0
  readonly #connected = new Map<string, Client>()
  readonly #lanes: DirectLanes
  /** Whether somebody here has asked for the devices' requests. */
  #requestsWanted = false
  #webSockets: WebSocketServer | undefined
  #handler: MessageHandler = () => {}
  mqttPort = 0
  wsPort: number | undefined

  private constructor(options: EmbeddedBrokerOptions) {
    this.#options = options
    this.#credentials = options.users && new Credentials(options.users)
    this.#retained = new RetainedMessages(options.maxDevices)
    this.#lanes = new DirectLanes(options.site)
    this.#aedes = new Aedes({
      id: 'isthmus',
      concurrency: 1000,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxInflightInbound: 16,
      maxTopicLevels: 8,
      maxClientsIdLength: 64,
    })
  }

  /** Starts the broker and listens. Throws PORT_IN_USE or BAD_ADDRESS. */
  static async open(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker(options)
    broker.#setRules()
    await broker.#aedes.listen()
    broker.#forgetDeadBrokers()
    try {
      await broker.#listenTcp()
      if (options.wsPort !== 'off') await broker.#listenWebSocket(options.wsPort)
    } catch (error) {
      await broker.close()
      throw error
    }
    return broker
  }

  /** Connections of devices right now. */
  get connections(): number {
    return this.#connected.size
  }

  publish(
    topic: string,
    packet: Uint8Array,
    { qos = 0, retain = false }: PublishOptions = {},
  ): Promise<void> {
    if (qos === 0 && !retain && this.#lanes.reply(topic, packet)) return sent
    const payload = Buffer.from(packet.buffer, packet.byteOffset, packet.length)
    if (retain) this.#retained.keep(topic, payload, qos)
    const message = { cmd: 'publish', topic, payload, qos, retain: false, dup: false } as const
    return new Promise((resolve) => this.#aedes.publish(message, () => resolve()))
  }

  async subscribe(filters: readonly string[]): Promise<void> {
    for (const filter of filters) {
      if (filter === `isthmus/1/${this.#options.site}/+/infer`) this.#requestsWanted = true
      await new Promise<void>((resolve) => {
        this.#aedes.subscribe(
          filter,
          ({ topic, payload }, done) => {
            this.#handler(topic, payload as Buffer, false)
            done()
          },
          resolve,
        )
      })
    }
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler
  }

  /** The broker inside never goes away. */
  onReconnect(): void {}

  async close(): Promise<void> {
    for (const server of this.#servers) server.close()
    this.#webSockets?.close()
    await new Promise<void>((resolve) => this.#aedes.close(resolve))
    for (const socket of this.#webSockets?.clients ?? []) socket.terminate()
  }

  #setRules(): void {
    const { site, onRefusal, onTakeover } = this.#options
    const aedes = this.#aedes
    aedes.preConnect = (client, packet, done) => {
      const guard = client.conn as ConnectionGuard
      guard.keepsAlive(packet.keepalive ?? 0)
      // No session outlives its connection: what would wait for an absent device has no bound.
      packet.clean = true
      if (packet.clientId === '') packet.clientId = NO_ID
      const { clientId, will } = packet
      if (will && isDeviceId(clientId) && !deviceMayPublish(site, clientId, will.topic)) {
        onRefusal('forbidden-topic', clientId)
        done(new Forbidden(`${clientId} may not leave a will at ${will.topic}`), false)
        return
      }
      done(null, true)
    }
    aedes.authenticate = (client, username, password, done) => {
      const { id } = client
      if (!isDeviceId(id)) {
        onRefusal('client-id', id)
        done(refusal('The client id is not a device id', IDENTIFIER_REJECTED), false)
      } else if (this.#credentials?.accept(id, username, password) === false) {
        onRefusal('credentials', id)
        done(refusal('The user name or password is wrong', BAD_USERNAME_OR_PASSWORD), false)
      } else {
        if (this.#connected.has(id)) onTakeover(id)
        done(null, true)
      }
    }
    aedes.authorizePublish = (client, packet, done) => {
      if (client !== null && !deviceMayPublish(site, client.id, packet.topic)) {
        onRefusal('forbidden-topic', client.id)
        done(new Forbidden(`${client.id} may not publish to ${packet.topic}`))
        return
      }
      if (packet.retain) this.#retain(packet)
      done(null)
    }
    aedes.authorizeSubscribe = (client, subscription, done) => {
      if (deviceMaySubscribe(site, client.id, subscription.topic)) {
        done(null, subscription)
        return
      }
      onRefusal('forbidden-filter', client.id)
      done(null, null)
    }
    aedes.on('subscribe', (subscriptions, client) => {
      const granted = subscriptions
        .map(({ topic }) => topic)
        .filter((topic) => deviceMaySubscribe(site, client.id, topic))
      this.#lanes.subscribed(client, client.conn as ConnectionGuard, granted)
      this.#sendRetained(client, granted)
    })
    aedes.on('unsubscribe', (topics, client) => this.#lanes.unsubscribed(client, topics))
    aedes.on('client', (client) => this.#connected.set(client.id, client))
    aedes.on('clientDisconnect', (client) => {
      if (this.#connected.get(client.id) === client) this.#connected.delete(client.id)
      this.#lanes.left(client)
    })
    const onError = (client: Client, error: NodeJS.ErrnoException & { errorCode?: number }) => {
      // Told of already, or a connection that broke by itself.
      if (
        client.closed ||
        error instanceof Forbidden ||
        error.errorCode !== undefined ||
        error.code !== undefined
      )
        return
      onRefusal('protocol', client.id ?? NO_ID)
    }
    aedes.on('clientError', onError)
    aedes.on('connectionError', onError)
  }

  /**
   * Aedes publishes the wills of brokers that it has not heard for three minutes of the wall clock, itself among them: a clock that is set forward
   * would have all devices gone that are connected. There are no other brokers, and wills of its own devices it knows besides.
   */
  #forgetDeadBrokers(): void {
    const { persistence } = this.#aedes as unknown as { readonly persistence: { streamWill(): Readable } }
    persistence.streamWill = () => Readable.from([])
  }

  /** A request that need not go through the broker. */
  #receiveDirectly(client: Client, packet: Buffer): boolean {
    const request = this.#requestsWanted ? this.#lanes.request(client, packet) : undefined
    if (request) this.#handler(request.topic, request.payload, false)
    return request !== undefined
  }

  /** The broker itself keeps nothing: with many messages it would look through all of them at each subscription. */
  #retain(packet: { topic: string; payload: string | Buffer; qos: 0 | 1 | 2; retain: boolean }): void {
    packet.retain = false
    const payload = Buffer.from(packet.payload)
    const verb = parseTopic(packet.topic)?.verb
    if ((verb !== 'birth' && verb !== 'state') || payload.length > MAX_RETAINED_BYTES) return
    this.#retained.keep(packet.topic, payload, packet.qos === 0 ? 0 : 1)
  }

  #sendRetained(client: Client, filters: readonly string[]): void {
    for (const { topic, payload, qos } of filters.flatMap((filter) => this.#retained.matching(filter))) {
      client.publish({ cmd: 'publish', topic, payload, qos, retain: true, dup: false }, () => {})
    }
  }

  #accept(connection: Duplex): void {
    const { maxMessageBytes, packetsPerSecond, onRefusal } = this.#options
    let client: Client | undefined
    const guard = new ConnectionGuard(connection, {
      maxPacketBytes: maxMessageBytes + MQTT_HEADER_BYTES,
      maxUnreadBytes: MAX_UNREAD_BYTES,
      packetsPerSecond,
      onCut: (reason) => onRefusal(reason, client?.id ?? NO_ID),
      express: (packet) => client !== undefined && this.#receiveDirectly(client, packet),
    })
    client = this.#aedes.handle(guard)
  }

  /** Whether the socket may stay: one beyond `maxConnections` is ended before it has said anything. */
  #letIn(socket: Socket): boolean {
    if (this.#open >= this.#options.maxConnections) {
      socket.destroy()
      return false
    }
    this.#open++
    socket.once('close', () => this.#open--)
    return true
  }

  async #listenTcp(): Promise<void> {
    const server = createTcpServer({ noDelay: true, keepAlive: true }, (socket) => {
      if (this.#letIn(socket)) this.#accept(socket)
    })
    this.mqttPort = await this.#listen(server, this.#options.mqttPort, 'mqttPort')
  }

  async #listenWebSocket(port: number): Promise<void> {
    const server = createHttpServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain' }).end('MQTT over WebSocket only\n')
    })
    server.on('connection', (socket: Socket) => this.#letIn(socket))
    this.#webSockets = new WebSocketServer({
      server,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
    })
    // The HTTP server's errors (a busy port) are reported where it listens.
    this.#webSockets.on('error', () => {})
    this.#webSockets.on('connection', (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#options.onRefusal('too-large', NO_ID)
      })
      this.#accept(createWebSocketStream(socket))
    })
    this.wsPort = await this.#listen(server, port, 'wsPort')
  }

  async #listen(server: Server | HttpServer, port: number, setting: string): Promise<number> {
    const { host, onRefusal } = this.#options
    await listen(server, host, port, setting, ({ message }) => onRefusal('not-accepted', NO_ID, message))
    this.#servers.push(server)
    return (server.address() as AddressInfo).port
  }
}

/**
 * Listens, or throws what the user can act on: PORT_IN_USE or BAD_ADDRESS. `onNotAccepted` is told of each connection that the system gave an error
 * in place of (on Linux not where file descriptors are used up: Node closes those connections without a word).
 */
export function listen(
  server: Server | HttpServer,
  host: string,
  port: number,
  setting: string,
  onNotAccepted: (error: Error) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port} (${setting})`
      const code = error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'BAD_ADDRESS'
      const detail =
        code === 'PORT_IN_USE' ? `${where} is in use` : `Cannot listen on ${where}: ${error.message}`
      reject(edgeError(code, detail, error))
    }
    server.once('error', onError)
    server.listen(port, host, () => {
      server.off('error', onError)
      // From now on an error is of one connection, and no reason to end the process.
      server.on('error', onNotAccepted)
      resolve()
    })
  })
}

class Forbidden extends Error {}

const refusal = (message: string, returnCode: number) => Object.assign(new Error(message), { returnCode })
