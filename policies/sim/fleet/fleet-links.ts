import { RandomStream } from '../../env/random-stream.ts'
import type { Drawn } from '../../option-checks.ts'
import { TraceLink } from '../rate-trace.ts'
import type { Link } from './fleet-options.ts'
import { hashedExponential } from './hashed-random.ts'
import { type ShannonSettings, shannonSettings, signalToNoise } from './shannon-link.ts'

const FIXED = 0
const SHANNON = 1
const GILBERT_ELLIOTT = 2
const TRACE = 3
/** Streams of random numbers of a device beyond those of its frames. */
const FADING = 0x66616465
const SPELLS = 0x7370656c

/** Devices by groups, as far as their links go. */
export interface LinkedFleet {
  readonly seed: number
  readonly groups: readonly { readonly count: number; readonly link: Link }[]
  /** Of all groups. */
  readonly devices: number
}

/** The uplinks of all devices: plain numbers by device, moved on only when a message is sent. */
export class FleetLinks {
  private readonly seed: number
  private readonly kind: Uint8Array
  /** Rate in bit/s (fixed), signal to noise (Shannon), time of the trace at 0 s (trace). */
  private readonly value: Float64Array
  /** Index among `radios`, `chains` or `traces`. */
  private readonly source: Int32Array
  private readonly radios: ShannonSettings[] = []
  private readonly chains: Extract<Link, { kind: 'gilbert-elliott' }>[] = []
  private readonly traces: TraceLink[] = []
  /** Gilbert-Elliott: spells begun so far (odd ones are bad), and when the newest ends. */
  private readonly spell: Int32Array
  private readonly spellEndS: Float64Array

  constructor({ seed, groups, devices }: LinkedFleet) {
    this.seed = seed
    this.kind = new Uint8Array(devices)
    this.value = new Float64Array(devices)
    this.source = new Int32Array(devices)
    this.spell = new Int32Array(devices)
    this.spellEndS = new Float64Array(devices)
    const random = new RandomStream(seed, 0x6c696e6b)
    let device = 0
    for (const { count, link } of groups) {
      const firstTrace = this.traces.length
      if (link.kind === 'shannon') this.radios.push(shannonSettings(link))
      if (link.kind === 'gilbert-elliott') this.chains.push(link)
      if (link.kind === 'trace')
        this.traces.push(...link.traces.map((trace) => new TraceLink(trace, traceOptions(link))))
      for (const end = device + count; device < end; device++) this.begin(device, link, firstTrace, random)
    }
  }

  /**
   * When a message of `bits` has left whose first bit leaves at `startS`, no earlier than any message before had left. `Infinity` when that is
   * after `limitS`; then the next one starts no earlier than that.
   */
  endS(device: number, startS: number, bits: number, limitS: number): number {
    const kind = this.kind[device]!
    let endS: number
    if (kind === FIXED) endS = startS + bits / this.value[device]!
    else if (kind === TRACE) {
      const offsetS = this.value[device]!
      const at = this.traces[this.source[device]!]!.finishS(startS + offsetS, bits) - offsetS
      endS = at > startS ? at : startS
    } else if (kind === SHANNON) endS = this.shannonEndS(device, startS, bits, limitS)
    else endS = this.chainEndS(device, startS, bits, limitS)
    return endS <= limitS ? endS : Infinity
  }

  private shannonEndS(device: number, startS: number, bits: number, limitS: number): number {
    const { bandwidthHz, fading, coherenceS } = this.radios[this.source[device]!]!
    const ratio = this.value[device]!
    if (!fading) return startS + bits / (bandwidthHz * Math.log2(1 + ratio))
    let left = bits
    let nowS = startS
    for (let block = Math.floor(startS / coherenceS); nowS <= limitS; block++) {
      const power = hashedExponential(this.seed ^ FADING, device, block)
      const rateBps = bandwidthHz * Math.log2(1 + ratio * power)
      const blockEndS = (block + 1) * coherenceS
      const passed = (blockEndS - nowS) * rateBps
      if (passed >= left) return nowS + left / rateBps
      if (passed > 0) left -= passed
      nowS = blockEndS
    }
    return Infinity
  }

  private chainEndS(device: number, startS: number, bits: number, limitS: number): number {
    const { goodBps, badBps, meanGoodS, meanBadS } = this.chains[this.source[device]!]!
    let left = bits
    let nowS = startS
    for (;;) {
      while (this.spellEndS[device]! <= nowS) {
        const spell = ++this.spell[device]!
        const meanS = spell % 2 === 0 ? meanGoodS : meanBadS
        this.spellEndS[device]! += meanS * hashedExponential(this.seed ^ SPELLS, device, spell)
      }
      const rateBps = this.spell[device]! % 2 === 0 ? goodBps : badBps
      const spellEndS = this.spellEndS[device]!
      const passed = (spellEndS - nowS) * rateBps
      if (passed >= left) return nowS + left / rateBps
      left -= passed
      if (spellEndS > limitS) return Infinity
      nowS = spellEndS
    }
  }

  private begin(device: number, link: Link, firstTrace: number, random: RandomStream): void {
    if (link.kind === 'fixed') {
      this.kind[device] = FIXED
      this.value[device] = drawnFrom(random, link.rateBps)
    } else if (link.kind === 'shannon') {
      const radio = this.radios.length - 1
      this.kind[device] = SHANNON
      this.source[device] = radio
      this.value[device] = signalToNoise(this.radios[radio]!, drawnFrom(random, link.distanceM))
    } else if (link.kind === 'gilbert-elliott') {
      const { meanGoodS, meanBadS } = link
      this.kind[device] = GILBERT_ELLIOTT
      this.source[device] = this.chains.length - 1
      // Begun as in the long run: the rest of an exponential spell is exponential, too.
      const isGood = random.uniform() * (meanGoodS + meanBadS) < meanGoodS
      this.spell[device] = isGood ? 0 : 1
      this.spellEndS[device] = random.exponential(isGood ? meanGoodS : meanBadS)
    } else {
      const trace = random.below(link.traces.length)
      this.kind[device] = TRACE
      this.source[device] = firstTrace + trace
      this.value[device] = link.traces[trace]!.durationS * random.uniform()
    }
  }
}

export function drawnFrom(random: RandomStream, value: Drawn): number {
  return typeof value === 'number' ? value : random.between(value[0], value[1])
}

function traceOptions({ interpolation, afterEnd, scale }: Extract<Link, { kind: 'trace' }>) {
  return {
    ...(interpolation ? { interpolation } : {}),
    ...(afterEnd ? { afterEnd } : {}),
    ...(scale ? { scale } : {}),
  }
}
