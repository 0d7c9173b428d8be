import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../clock.ts'
import { deviceError } from '../errors.ts'
import { PacedLane } from './paced-lane.ts'

export interface ShapedLinkOptions {
  /** Where connections lead, e.g. the broker. */
  readonly target: { readonly host?: string; readonly port: number }
  /** Where to listen. Default: a free port of 127.0.0.1. */
  readonly host?: string
  readonly port?: number
  /** Towards the target, in bit/s of TCP payload; all connections share it. Infinity: no limit. */
  readonly uplinkBps: number
  readonly downlinkBps: number
  /** One way. */
  readonly delayMs: number
  /** Each segment takes up to so much longer, at random. Default 0. */
  readonly jitterMs?: number
  /** Of the jitter. */
  readonly seed?: number
  readonly clock?: Clock
}

/** How a link breaks: `silence` as when a cable is pulled, `reset` as when a box on the way is switched off. */
export type Cut = 'silence' | 'reset'

export interface ShapedLink {
  readonly host: string
  readonly port: number
  /** Open connections. */
  readonly connections: number
  /** Bytes taken from one side and not yet given to the other; bounded for each connection. */
  readonly heldBytes: number
  /** Makes the link faster or slower, in bit/s each way. What is on its way goes on as it began. Throws BAD_OPTIONS. */
  setRate(rates: Pick<ShapedLinkOptions, 'uplinkBps' | 'downlinkBps'>): void
  /**
   * Breaks the link until `restore`. `silence` (the default): connections stay, nothing moves, and what was under way
   * goes on afterwards. `reset`: connections are closed, new ones are turned away.
   */
  cut(how?: Cut): void
  restore(): void
  close(): Promise<void>
}

/** As large as what one packet of an Ethernet carries. */
const SEGMENT_BYTES = 1460
/** Bytes held for one direction of a connection before its sender has to wait. */
const HIGH_WATER_BYTES = 65_536

/**
 * A slow, distant network on this machine: a TCP proxy that limits the rate of each direction, adds delay and can be
 * cut. A connection itself is opened without delay. Throws BAD_OPTIONS.
 *
 * @example
 * const link = await shapedLink({ target: { port: 1883 }, uplinkBps: 250_000, downlinkBps: 250_000, delayMs: 20 })
 * const device = await connectDevice({ id: 'cam-1', broker: `mqtt://127.0.0.1:${link.port}`, bundle })
 */
export async function shapedLink(options: ShapedLinkOptions): Promise<ShapedLink> {
  check(options)
  const link = new TcpLink(options)
  await link.listen(options.host ?? '127.0.0.1', options.port ?? 0)
  return link
}

class TcpLink implements ShapedLink {
  readonly #options: ShapedLinkOptions
  readonly #up: PacedLane
  readonly #down: PacedLane
  readonly #server: Server
  readonly #crossings = new Set<Crossing>()
  #refusing = false

  constructor(options: ShapedLinkOptions) {
    const { uplinkBps, downlinkBps, delayMs, jitterMs = 0, seed = 1, clock = systemClock } = options
    this.#options = options
    const common = { delayMs, jitterMs, random: mulberry32(seed) }
    this.#up = new PacedLane({ ...common, rateBps: uplinkBps }, clock)
    this.#down = new PacedLane({ ...common, rateBps: downlinkBps }, clock)
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onError = (error: Error) =>
        reject(deviceError('BAD_OPTIONS', `shapedLink cannot listen on ${host}:${port}.`, error))
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
  }

  get host(): string {
    return (this.#server.address() as AddressInfo).address
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#crossings.size
  }

  get heldBytes(): number {
    let bytes = 0
    for (const crossing of this.#crossings) bytes += crossing.heldBytes
    return bytes
  }

  setRate(rates: Pick<ShapedLinkOptions, 'uplinkBps' | 'downlinkBps'>): void {
    check({ ...this.#options, ...rates })
    this.#up.setRate(rates.uplinkBps)
    this.#down.setRate(rates.downlinkBps)
  }

  cut(how: Cut = 'silence'): void {
    if (how === 'silence') {
      this.#up.hold()
      this.#down.hold()
      return
    }
    this.#refusing = true
    this.#resetAll()
  }

  restore(): void {
    this.#refusing = false
    this.#up.release()
    this.#down.release()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#refusing = true
    this.#resetAll()
    await closed
  }

  #accept(near: Socket): void {
    if (this.#refusing) {
      near.on('error', () => {})
      near.resetAndDestroy()
      return
    }
    const { host = '127.0.0.1', port } = this.#options.target
    const far = connect({ host, port, noDelay: true, allowHalfOpen: true })
    const crossing = new Crossing(near, far, this.#up, this.#down, () => this.#crossings.delete(crossing))
    this.#crossings.add(crossing)
  }

  #resetAll(): void {
    for (const crossing of [...this.#crossings]) crossing.reset()
  }
}

/** One connection through the link. */
class Crossing {
  readonly #sockets: readonly Socket[]
  readonly #lanes: readonly PacedLane[]
  readonly #onEnd: () => void
  heldBytes = 0

  constructor(near: Socket, far: Socket, up: PacedLane, down: PacedLane, onEnd: () => void) {
    this.#sockets = [near, far]
    this.#lanes = [up, down]
    this.#onEnd = onEnd
    this.#carry(near, far, up)
    this.#carry(far, near, down)
  }

  reset(): void {
    for (const lane of this.#lanes) lane.drop(this)
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resetAndDestroy()
    this.#onEnd()
  }

  #carry(from: Socket, to: Socket, lane: PacedLane): void {
    let heldBytes = 0
    const release = (bytes: number) => {
      heldBytes -= bytes
      this.heldBytes -= bytes
      if (heldBytes < HIGH_WATER_BYTES / 2) from.resume()
    }
    from.on('data', (chunk: Buffer) => {
      heldBytes += chunk.length
      this.heldBytes += chunk.length
      if (heldBytes >= HIGH_WATER_BYTES) from.pause()
      for (let at = 0; at < chunk.length; at += SEGMENT_BYTES) {
        const segment = chunk.subarray(at, at + SEGMENT_BYTES)
        // Counted as held until the other side has taken it: a reader that stands still stops the sender too.
        lane.send(this, segment.length, () => to.write(segment, () => release(segment.length)))
      }
    })
    from.on('end', () => lane.send(this, 0, () => to.end()))
    from.on('error', () => this.reset())
    // A connection that ends in order has said 'end' both ways.
    from.on('close', () => {
      if (!from.readableEnded) this.reset()
      else if (to.destroyed) this.#onEnd()
    })
  }
}

function check(options: ShapedLinkOptions): void {
  const { uplinkBps, downlinkBps, delayMs, jitterMs = 0 } = options
  for (const [name, rateBps] of Object.entries({ uplinkBps, downlinkBps })) {
    if (!(rateBps > 0))
      throw deviceError('BAD_OPTIONS', `shapedLink: ${name} must be above 0, got ${rateBps}.`)
  }
  for (const [name, ms] of Object.entries({ delayMs, jitterMs })) {
    if (ms >= 0 && ms <= 60_000) continue
    throw deviceError('BAD_OPTIONS', `shapedLink: ${name} must be from 0 to 60000, got ${ms}.`)
  }
}

/** Tommy Ettinger's generator: plenty for jitter, and the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
