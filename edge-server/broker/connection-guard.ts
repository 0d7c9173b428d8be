import { Duplex } from 'node:stream'
import { PacketLengths } from './packet-lengths.ts'

/** Why a connection was cut. */
export type CutReason = 'too-large' | 'malformed' | 'slow-reader'

export interface GuardOptions {
  /** Largest MQTT packet that may come in, in bytes after its header. */
  readonly maxPacketBytes: number
  /** Bytes that may wait for the peer to read them. */
  readonly maxUnreadBytes: number
  /** Called once, before the connection is destroyed. */
  readonly onCut: (reason: CutReason) => void
}

/**
 * Stands between a connection and the broker, which has no limits of its own: cuts the connection as soon as a
 * packet announces too many bytes, before any of them is kept, and when the peer does not read what it is sent.
 * Writing never waits, so that one slow peer does not hold up the others.
 */
export class ConnectionGuard extends Duplex {
  readonly #inner: Duplex
  readonly #lengths: PacketLengths
  readonly #options: GuardOptions
  #cut = false

  constructor(inner: Duplex, options: GuardOptions) {
    super({ decodeStrings: true })
    this.#inner = inner
    this.#options = options
    this.#lengths = new PacketLengths(options.maxPacketBytes)
    inner.on('data', (chunk: Buffer) => this.#receive(chunk))
    inner.on('end', () => this.push(null))
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => this.destroy())
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) return
    const wrong = this.#lengths.read(chunk)
    if (wrong) this.#end(wrong)
    else if (!this.push(chunk)) this.#inner.pause()
  }

  #end(reason: CutReason): void {
    if (this.#cut) return
    this.#cut = true
    this.#options.onCut(reason)
    this.destroy()
  }

  override _read(): void {
    this.#inner.resume()
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

  #checkReader(): void {
    if (this.#inner.writableLength > this.#options.maxUnreadBytes) this.#end('slow-reader')
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy()
    done(error)
  }
}
