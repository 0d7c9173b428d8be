import { clockUs32, elapsedUs32 } from '@isthmus/proto'

/** A sample older than this gives way to a newer one even if that took longer: clocks drift. */
const MAX_AGE_MS = 60_000
/** By so much of the time between them two samples may differ for that alone: clocks are slewed by up to 500 ppm, two of them. */
const MOST_DRIFT = 0.001

/**
 * The server's monotonic clock as seen from here. Each reply bounds it by its round trip; the quickest exchange of
 * the last minute is believed (as NTP's clock filter does). One whose bounds do not meet those of a later one was before a clock stood still,
 * as that of a board that sleeps.
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
    const offsetUs = (sample.receivedUs - clockUs32(sample.sentMs + sample.uplinkMs)) >>> 0
    const best = this.#best
    if (best && best.networkMs <= networkMs && nowMs - best.atMs <= MAX_AGE_MS) {
      const apartMs = Math.abs(elapsedUs32(offsetUs, best.offsetUs)) / 1000
      if (apartMs <= best.networkMs + networkMs + MOST_DRIFT * (nowMs - best.atMs)) return
    }
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
