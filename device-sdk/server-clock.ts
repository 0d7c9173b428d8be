import { clockUs32 } from '@isthmus/proto'

/** A sample older than this gives way to a newer one even if that took longer: clocks drift. */
const MAX_AGE_MS = 60_000

/**
 * The server's monotonic clock as seen from here. Each reply bounds it by its round trip; the quickest exchange of
 * the last minute is believed (as NTP's clock filter does).
 */
export class ServerClock {
  #epoch: number | undefined
  #best: { offsetUs: number; networkMs: number; atMs: number } | undefined

  /**
   * `sentMs`: our clock when we sent; `uplinkMs`: estimated way there; `receivedUs`: server's clock on arrival;
   * `networkMs`: round trip without the server's time; `epoch`: the server's life.
   */
  add(sample: {
    sentMs: number
    uplinkMs: number
    receivedUs: number
    networkMs: number
    nowMs: number
    epoch: number
  }): void {
    if (sample.epoch !== this.#epoch) {
      this.#epoch = sample.epoch
      this.#best = undefined
    }
    const { networkMs, nowMs } = sample
    const best = this.#best
    if (best && best.networkMs <= networkMs && nowMs - best.atMs <= MAX_AGE_MS) return
    const offsetUs = (sample.receivedUs - clockUs32(sample.sentMs + sample.uplinkMs)) >>> 0
    this.#best = { offsetUs, networkMs, atMs: nowMs }
  }

  /** The server's clock now, in µs modulo 2^32; undefined before the first reply. */
  nowUs(nowMs: number): number | undefined {
    return this.#best && (clockUs32(nowMs) + this.#best.offsetUs) >>> 0
  }

  reset(): void {
    this.#best = undefined
    this.#epoch = undefined
  }
}
