import type { LinkEstimate } from '@isthmus/policies'
import type { Stages } from './answer.ts'

type DeviceStage = 'preprocessMs' | 'filterMs' | 'headMs' | 'exitMs' | 'encodeMs' | 'localMs'

/** What a reply says about the time between sending and its arrival, in ms. */
export interface ExchangeTimes {
  readonly uplinkMs: number
  readonly queueMs: number
  readonly decodeMs: number
  readonly tailMs: number
  readonly downlinkMs: number
}

/** Collects when each stage of one frame ran, and turns that into times that add up to the wall time. */
export class StageLog {
  readonly #spans: { stage: DeviceStage; fromMs: number; toMs: number }[] = []

  add(stage: DeviceStage, fromMs: number, toMs: number): void {
    this.#spans.push({ stage, fromMs, toMs })
  }

  /** A remote answer: work on a local answer that was not used does not count, whether before the frame was coded or while it was out. */
  remote(startMs: number, endMs: number, exchange: ExchangeTimes): Stages {
    const coded = this.#spans.find(({ stage }) => stage === 'encodeMs')
    const encodeMs = coded ? coded.toMs - coded.fromMs : 0
    return this.#sum(startMs, endMs, coded?.fromMs ?? endMs, { ...exchange, encodeMs, localMs: 0 })
  }

  /** An answer of filter or exit: work on a local answer that was not used does not count. */
  gate(startMs: number, endMs: number): Stages {
    return this.#sum(startMs, endMs, Number.POSITIVE_INFINITY, { localMs: 0 })
  }

  /** A local answer: the head and the encoder count until the local model took over. */
  local(startMs: number, endMs: number): Stages {
    const span = this.#spans.find(({ stage }) => stage === 'localMs')
    const localMs = span ? span.toMs - span.fromMs : 0
    return this.#sum(startMs, endMs, span?.fromMs ?? endMs, { localMs })
  }

  #sum(startMs: number, endMs: number, untilMs: number, known: Partial<Stages>): Stages {
    const sum = { ...noStages, ...known }
    for (const { stage, fromMs, toMs } of this.#spans) {
      if (!(stage in known)) sum[stage] += Math.max(0, Math.min(toMs, untilMs) - fromMs)
    }
    let spent = 0
    for (const ms of Object.values(sum)) spent += ms
    return { ...sum, waitMs: Math.max(0, endMs - startMs - spent) }
  }
}

/**
 * Splits a measured round trip, the server's time taken off, into both ways: each message's transfer time at the
 * measured rate, and half of what remains for each. Without an estimate, by halves.
 */
export function splitRoundTrip(
  networkMs: number,
  bytesUp: number,
  bytesDown: number,
  link: LinkEstimate | undefined,
): { uplinkMs: number; downlinkMs: number } {
  const netMs = Math.max(0, networkMs)
  const transferMs = link ? Math.min(netMs, (8000 * (bytesUp + bytesDown)) / link.rateBps) : 0
  const uplinkMs = (netMs - transferMs) / 2 + (transferMs * bytesUp) / Math.max(1, bytesUp + bytesDown)
  return { uplinkMs, downlinkMs: netMs - uplinkMs }
}

const noStages = {
  preprocessMs: 0,
  filterMs: 0,
  headMs: 0,
  exitMs: 0,
  encodeMs: 0,
  uplinkMs: 0,
  queueMs: 0,
  decodeMs: 0,
  tailMs: 0,
  downlinkMs: 0,
  localMs: 0,
  waitMs: 0,
}
