import { type EntropyQuantizer, FREQUENCY_BITS, frequencyTable, RansCoder } from '@isthmus/models/codec'
import { seededRandom } from '@isthmus/models/data'
import type { Part } from '../part.ts'
import { median, medianInterval } from '../statistics.ts'
import type { OperatingPoint } from './operating-points.ts'
import { informationBits } from './split-runs.ts'
import type { World } from './world.ts'

/** The Entropic Student's latent at 224 px: what the speed of an entropy coder for split computing is told by. */
const CHANNELS = 24
const PER_CHANNEL = 55 * 55
const SEED = 11

/** Bytes that a payload may have beyond its information, whatever its size. */
const ALLOWED_BYTES = 64

interface Latent {
  readonly quantizer: Pick<EntropyQuantizer, 'tables' | 'neighbours' | 'zeroPoint'>
  readonly symbols: Int32Array
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
  return { quantizer: { tables, zeroPoint: 0 }, symbols }
}

/** The same symbols, with a table for each of nine kinds of neighbours, as modes with neighbours have them. */
function withNeighbours({ quantizer, symbols }: Latent): Latent {
  // Each channel looks back at up to eight others.
  const weights = Array.from({ length: CHANNELS }, (_, channel) =>
    new Array<number>(4 + 9 * Math.min(channel, 8)).fill(40),
  )
  const neighbours = { rowLength: 55, reach: 4, weights }
  const tables = quantizer.tables.flatMap((table) => new Array(2 * neighbours.reach + 1).fill(table))
  return { quantizer: { tables, neighbours, zeroPoint: 0 }, symbols }
}

/** By how much `bytes`, less the allowance, exceed the information, %. */
const excessPct = (bytes: number, informationBytes: number): number =>
  100 * ((bytes - ALLOWED_BYTES) / informationBytes - 1)

function timed({ quantizer, symbols }: Latent, rounds: number, runs: number) {
  const { tables, neighbours, zeroPoint: middle } = quantizer
  const coder = new RansCoder(tables, PER_CHANNEL, neighbours && { ...neighbours, middle })
  const stream = coder.encode(symbols)
  const out = new Int32Array(symbols.length)
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
  return { encode, decode, bytes: stream.length }
}

/** Speed of the coder on one core, and how near its payloads come to their information. */
export function measureEntropyCoder(world: World, points: readonly OperatingPoint[]): Part {
  world.say('timing the entropy coder')
  const latent = syntheticLatent()
  const informationBytes = informationBits(latent.quantizer, latent.symbols, PER_CHANNEL) / 8
  const [rounds, runs] = world.quick ? [9, 10] : [41, 20]
  const alone = timed(latent, rounds, runs)
  const beside = timed(withNeighbours(latent), rounds, runs)
  const ofModes = points.flatMap(modeExcess)
  const synthetic = excessPct(alone.bytes, informationBytes)
  return {
    figures: {
      ransMBps: Math.min(alone.encode.median, alone.decode.median),
      codedVsEntropyPct: Math.max(synthetic, ...ofModes.map(({ worstPct }) => worstPct)),
    },
    detail: {
      entropyCoder: {
        seed: SEED,
        symbols: latent.symbols.length,
        bitsPerSymbol: (8 * informationBytes) / latent.symbols.length,
        frequencyBits: FREQUENCY_BITS,
        rounds,
        millionSymbolsPerS: { encode: alone.encode, decode: alone.decode },
        millionSymbolsPerSWithNeighbours: { encode: beside.encode, decode: beside.decode },
        synthetic: { bytes: alone.bytes, informationBytes, excessPct: synthetic },
        modes: ofModes,
      },
    },
  }
}

/** The worst payload of a mode, and the mean of bytes over information; nothing for a mode without tables. */
function modeExcess({ name, bytes, entropyBits }: OperatingPoint) {
  let worstPct = Number.NEGATIVE_INFINITY
  let over = 0
  let payloads = 0
  entropyBits.forEach((bits, at) => {
    if (Number.isNaN(bits)) return
    worstPct = Math.max(worstPct, excessPct(bytes[at]!, bits / 8))
    over += bytes[at]! - bits / 8
    payloads++
  })
  return payloads > 0 ? [{ name, payloads, worstPct, meanBytesOver: over / payloads }] : []
}
