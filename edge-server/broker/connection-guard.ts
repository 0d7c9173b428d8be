import { Duplex } from 'node:stream'
import { TokenBucket } from '@isthmus/policies'
import { PacketLengths } from './packet-lengths.ts'

/** Why a connection was cut. */
export type CutReason = 'too-large' | 'malformed' | 'slow-reader'

export interface GuardOptions {
  /** Largest MQTT packet that may come in, in bytes after its header. */
  readonly maxPacketBytes: number
  /** Bytes that may wait for the peer to read them. */
  readonly maxUnreadBytes: number
  /** Packets (large ones count for several) that the peer may send in a second; more wait, in the end at the peer. */
  readonly packetsPerSecond: number
  /** Called once, before the connection is destroyed. */
  readonly onCut: (reason: CutReason) => void
  /**
   * Offered what came in as one whole packet (or several) with nothing unread before it; true: it is dealt with, and
   * the broker does not get it. The bytes are valid only during the call.
   */
  readonly express?: (packet: Buffer) => boolean
}

/** Share of a second's packets that may come at once. */
const BURST = 0.2
/** The shortest time for which a peer that sends faster is not listened to: a timer for each packet would cost more. */
const LEAST_HOLD_MS = 5
/**
 * The broker takes a peer for dead whose packets it has not seen for 1.5 times its keepalive (MQTT 3.1.1, 3.1.2.10), and the
 * peer may be silent for one: so much of the keepalive may all go past the broker, with something to spare.
 */
const EXPRESS_SHARE = 0.4
/** How long the broker may read what a peer left behind. */
const LAST_READING_MS = 1000

/**
 * Stands between a connection and the broker, which has no limits of its own: cuts the connection as soon as a
 * packet announces too many bytes, before any of them is kept, and when the peer does not read what it is sent;
 * reads no faster than the peer may send, so that the others get their turn. Writing never waits: one slow peer does
 * not hold up the others.
 */
export class ConnectionGuard extends Duplex {
  readonly #inner: Duplex
  readonly #lengths: PacketLengths
  readonly #options: GuardOptions
  readonly #bucket: TokenBucket
  #cut = false
  /** How long the broker need not get anything. */
  #expressForMs = 0
  /** When the broker last got something. */
  #passedMs = Number.NEGATIVE_INFINITY
  /** What came in beyond the rate; nothing more is read before it is passed on. */
  #held: Buffer | undefined
  #timer: NodeJS.Timeout | undefined
  /** The peer sends no more. */
  #ended = false

  constructor(inner: Duplex, options: GuardOptions) {
    super({ decodeStrings: true })
    this.#inner = inner
    this.#options = options
    this.#lengths = new PacketLengths(options.maxPacketBytes)
    const { packetsPerSecond } = options
    this.#bucket = new TokenBucket(packetsPerSecond, Math.max(1, BURST * packetsPerSecond), performance.now())
    inner.on('data', (chunk: Buffer) => this.#receive(chunk))
    inner.on('end', () => {
      this.#ended = true
      this.#passRest()
      this.push(null)
    })
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => {
      if (!this.#ended || this.readableEnded) this.destroy()
      // The broker still reads what had come before the end; the goodbye may be in it.
      else setTimeout(() => this.destroy(), LAST_READING_MS).unref()
    })
  }

  /** The peer has promised to be silent no longer than this, in seconds; 0: it has promised nothing. Until then nothing goes past the broker. */
  keepsAlive(seconds: number): void {
    this.#expressForMs = seconds === 0 ? Number.POSITIVE_INFINITY : 1000 * EXPRESS_SHARE * seconds
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) return
    const nowMs = performance.now()
    const first = this.#lengths.between && this.readableLength === 0
    const reading = this.#lengths.read(chunk, this.#bucket.tokens(nowMs))
    if ('wrong' in reading) {
      this.#end(reading.wrong)
      return
    }
    this.#bucket.spend(reading.cost)
    if (reading.bytes < chunk.length) this.#hold(chunk.subarray(reading.bytes))
    if (reading.bytes === 0) return
    const read = chunk.subarray(0, reading.bytes)
    const mayGoAhead = first && this.#lengths.between && nowMs - this.#passedMs < this.#expressForMs
    if (mayGoAhead && this.#options.express?.(read)) return
    this.#passedMs = nowMs
    if (!this.push(read)) this.#inner.pause()
  }

  #hold(rest: Buffer): void {
    this.#held = rest
    this.#inner.pause()
    const waitMs = Math.max(LEAST_HOLD_MS, this.#bucket.waitMs(performance.now()))
    this.#timer = setTimeout(() => {
      this.#held = undefined
      this.#receive(rest)
      if (this.#held === undefined) this.#inner.resume()
    }, waitMs)
  }

  /** A peer that has gone cannot be made to wait: a second's share of what it left is passed on. */
  #passRest(): void {
    const rest = this.#held
    clearTimeout(this.#timer)
    this.#held = undefined
    if (rest === undefined || this.destroyed) return
    const reading = this.#lengths.read(rest, this.#options.packetsPerSecond)
    if (!('wrong' in reading)) this.push(rest.subarray(0, reading.bytes))
  }

  #end(reason: CutReason): void {
    if (this.#cut) return
    this.#cut = true
    this.#options.onCut(reason)
    this.destroy()
  }

  /**
   * All that is there. Node 26 hands out one chunk a call, and the broker, which asks once for each time that something
   * has come, would leave the rest lying.
   */
  override read(size?: number | null): Buffer | null {
    const first: Buffer | null = super.read(size ?? undefined)
    if (first === null || (size !== undefined && size !== null)) return first
    const parts = [first]
    for (let more: Buffer | null = super.read(); more !== null; more = super.read()) parts.push(more)
    return parts.length === 1 ? first : Buffer.concat(parts)
  }

  override _read(): void {
    if (this.#held === undefined) this.#inner.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner.write(chunk)
    this.#checkReader()
    done()
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#inner.cork()
    for (const { chunk } of chunks) this.#inner.write(chunk)
    this.#inner.uncork()
    this.#checkReader()
    done()
  }

  /** Sends one whole packet at once, past the packets that the broker still holds back. */
  send(packet: Buffer): void {
    if (this.destroyed || this.writableEnded) return
    this.#inner.write(packet)
    this.#checkReader()
  }

  #checkReader(): void {
    if (this.#inner.writableLength > this.#options.maxUnreadBytes) this.#end('slow-reader')
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#held = undefined
    this.#inner.destroy()
    done(error)
  }
}
