import type { Manifest, Mode } from '../bundle/manifest.ts'
import { breakEvenRate, type CostLine, costMs } from './break-even.ts'

/** How long the parts of a bundle take, in ms. */
export interface PartTimes {
  /** The device's own network; the whole one where the bundle has no other. */
  readonly localMs: number
  /** Head, on the device. */
  readonly headMs: number
  /** The head at a smaller width; default: as `headMs`. */
  readonly narrowHeadMs?: number
  /** Packing the latent on the device and unpacking it on the server, by mode. */
  readonly codeMs: Readonly<Record<number, number>>
  /** Tail, on the server. */
  readonly tailMs: number
  /** The whole network, on the server. */
  readonly fullMs: number
  /** Coding the image on the device and decoding it on the server. */
  readonly imageMs: number
  /** Round trip of an empty message. */
  readonly rttMs: number
}

/** One way to an answer: a mode, and what it costs as a function of the rate. */
export interface Way {
  readonly mode: number
  readonly name: string
  readonly route: Mode['route']
  readonly accuracy?: number
  readonly line: CostLine
}

/** Bytes of a request beyond its payload. */
const ENVELOPE_BYTES = 60

/** What each mode of a bundle costs, from measured times of its parts. */
export function waysOf({ modes }: Pick<Manifest, 'modes'>, times: PartTimes): Way[] {
  return modes.map((mode) => {
    const { id, name, route, accuracy } = mode
    const bytes = route === 'local' ? 0 : mode.payloadBytes + ENVELOPE_BYTES
    const line = { fixedMs: fixedMs(mode, times), bytes }
    return { mode: id, name, route, ...(accuracy === undefined ? {} : { accuracy }), line }
  })
}

function fixedMs(mode: Mode, times: PartTimes): number {
  const { localMs, headMs, narrowHeadMs = headMs, codeMs, tailMs, fullMs, imageMs, rttMs } = times
  if (mode.route === 'local') return localMs
  if (mode.route === 'edge') return imageMs + fullMs + rttMs
  const ownMs = mode.head === 'narrowHead' ? narrowHeadMs : headMs
  return ownMs + (codeMs[mode.id] ?? 0) + tailMs + rttMs
}

/** Which of two ways is the faster one, by the rate. */
export interface Pair {
  /** The faster one below the break-even rate, or at every rate. */
  readonly slowLink: Way
  /** The faster one above it; left out where one is faster at every rate. */
  readonly fastLink?: Way
  /** In bit/s. */
  readonly breakEvenBps?: number
}

export function comparePair(a: Way, b: Way): Pair {
  const breakEvenBps = breakEvenRate(a.line, b.line)
  if (breakEvenBps !== undefined) {
    return a.line.bytes < b.line.bytes
      ? { slowLink: a, fastLink: b, breakEvenBps }
      : { slowLink: b, fastLink: a, breakEvenBps }
  }
  const anyRate = 1e6
  return { slowLink: costMs(a.line, anyRate) <= costMs(b.line, anyRate) ? a : b }
}
