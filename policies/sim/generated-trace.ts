import { RandomStream } from '../env/random-stream.ts'
import { policyError } from '../errors.ts'
import type { RateTrace } from './rate-trace.ts'

export interface GeneratedTraceOptions {
  readonly seed: number
  readonly durationS?: number
  /** Time between samples, s. */
  readonly stepS?: number
  /** Mean rate of the process, bit/s. Default 1.7e6, that of the Norwegian 3G set. */
  readonly meanBps?: number
  /** Standard deviation of the logarithm of the rate. */
  readonly sigma?: number
  /** Time in which the correlation of the logarithm falls to 1/e, s. */
  readonly correlationS?: number
}

/** A link whose rate wanders: its logarithm is a stationary AR(1) process. Throws IsthmusError `BAD_OPTION`. */
export function generatedTrace({
  seed,
  durationS = 300,
  stepS = 0.5,
  meanBps = 1.7e6,
  sigma = 0.8,
  correlationS = 6,
}: GeneratedTraceOptions): RateTrace {
  const positive = { durationS, stepS, meanBps, correlationS }
  for (const [field, value] of Object.entries(positive)) {
    if (!(value > 0 && value < Infinity))
      throw policyError('BAD_OPTION', `generated trace: ${field} is ${value}`)
  }
  if (!(sigma >= 0 && sigma <= 5)) throw policyError('BAD_OPTION', `generated trace: sigma is ${sigma}`)
  const samples = Math.ceil(durationS / stepS)
  if (samples > 10_000_000)
    throw policyError('BAD_OPTION', `generated trace: durationS / stepS is ${samples}`)
  const random = new RandomStream(seed, 0x74726163)
  const keep = Math.exp(-stepS / correlationS)
  const noise = sigma * Math.sqrt(1 - keep * keep)
  const atS = new Float64Array(samples)
  const rateBps = new Float64Array(samples)
  let level = sigma * random.normal()
  for (let at = 0; at < samples; at++) {
    atS[at] = at * stepS
    rateBps[at] = meanBps * Math.exp(level - (sigma * sigma) / 2)
    level = keep * level + noise * random.normal()
  }
  return { atS, rateBps, durationS: samples * stepS }
}
