import {
  FREQUENCY_BITS,
  type FrequencyTable,
  frequencyTable,
  RansCoder,
  symbolBits,
} from '@isthmus/models/codec'
import { seededRandom } from '@isthmus/models/data'
import { median, medianInterval } from '../statistics.ts'
import type { OperatingPoint } from './operating-points.ts'
import type { Part } from './part.ts'
import type { World } from './world.ts'

/** The Entropic Student's latent at 224 px: what the speed of an entropy coder for split computing is told by. */
const CHANNELS = 24
const PER_CHANNEL = 55 * 55
const SEED = 11

/** Bytes that a payload may have beyond its information, whatever its size. */
const ALLOWED_BYTES = 64

interface Latent {
  readonly tables: readonly FrequencyTable[]
  readonly symbols: Int32Array
  readonly entropyBytes: number
}

/** Rounded normal values, from narrow channels to wide ones, under tables made from the same values. */
function syntheticLatent(): Latent {
  const random = seededRandom(SEED)
  const symbols = new Int32Array(CHANNELS * PER_CHANNEL)
  const tables = Array.from({ length: CHANNELS }, (_, channel) => {
    const deviation = 0.2 * 2 ** (channel / 6)
    const own = symbols.subarray(channel * PER_CHANNEL, (channel + 1) * PER_CHANNEL)
    for (let at = 0; at < own.length; at++) own[at] = Math.round(deviation * random.normal())
    const first = own.reduce((least, symbol) => Math.min(least, symbol))
    const counts = new Array<number>(1 + own.reduce((most, symbol) => Math.max(most, symbol)) - first).fill(0)
    for (const symbol of own) counts[symbol - first]!++
    return frequencyTable(first, counts)
  })
  const bits = symbols.reduce(
    (sum, symbol, at) => sum + symbolBits(tables[Math.floor(at / PER_CHANNEL)]!, symbol),
    0,
  )
  return { tables, symbols, entropyBytes: bits / 8 }
}

/** By how much `bytes`, less the allowance, exceed the information, %. */
const excessPct = (bytes: number, entropyBytes: number): number =>
  100 * ((bytes - ALLOWED_BYTES) / entropyBytes - 1)

/** Speed of the coder on one core, and how near its payloads come to their information. */
export function measureEntropyCoder(world: World, points: readonly OperatingPoint[]): Part {
  world.say('timing the entropy coder')
  const { tables, symbols, entropyBytes } = syntheticLatent()
  const coder = new RansCoder(tables, PER_CHANNEL)
  const stream = coder.encode(symbols)
  const out = new Int32Array(symbols.length)
  const [rounds, runs] = world.quick ? [9, 10] : [41, 20]
  const speed = (work: () => void) => {
    const millionsPerS: number[] = []
    for (let round = -3; round < rounds; round++) {
      const startMs = performance.now()
      for (let at = 0; at < runs; at++) work()
      const elapsedMs = performance.now() - startMs
      if (round >= 0) millionsPerS.push((runs * symbols.length) / elapsedMs / 1000)
    }
    return { median: median(millionsPerS), interval95: medianInterval(millionsPerS) }
  }
  const encode = speed(() => coder.encode(symbols))
  const decode = speed(() => coder.decode(stream, out))
  if (!out.every((symbol, at) => symbol === symbols[at])) throw new Error('The coder lost symbols.')
  const ofModes = points.flatMap(({ name, bytes, entropyBits }) => {
    let worst = Number.NEGATIVE_INFINITY
    let coded = 0
    let all = 0
    let count = 0
    entropyBits.forEach((bits, at) => {
      if (Number.isNaN(bits)) return
      worst = Math.max(worst, excessPct(bytes[at]!, bits / 8))
      coded += bytes[at]!
      all += bits / 8
      count++
    })
    return count > 0 ? [{ name, payloads: count, worstPct: worst, meanBytesOver: (coded - all) / count }] : []
  })
  const synthetic = excessPct(stream.length, entropyBytes)
  return {
    figures: {
      ransMBps: Math.min(encode.median, decode.median),
      codedVsEntropyPct: Math.max(synthetic, ...ofModes.map(({ worstPct }) => worstPct)),
    },
    detail: {
      entropyCoder: {
        seed: SEED,
        symbols: symbols.length,
        bitsPerSymbol: (8 * entropyBytes) / symbols.length,
        frequencyBits: FREQUENCY_BITS,
        rounds,
        millionSymbolsPerS: { encode, decode },
        synthetic: { bytes: stream.length, entropyBytes, excessPct: synthetic },
        modes: ofModes,
      },
    },
  }
}
