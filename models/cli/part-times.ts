import type { Bundle } from '../bundle/bundle.ts'
import type { Mode } from '../bundle/manifest.ts'
import { dequantize, quantize } from '../codec/codec.ts'
import type { PartTimes } from '../cost/ways.ts'
import { readModel } from '../onnx/read.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { openSession } from '../runtime/node.ts'
import type { Output } from './kit/index.ts'

type Part = 'local' | 'head' | 'narrowHead' | 'tail' | 'full'

export type Measured = Pick<PartTimes, 'localMs' | 'headMs' | 'narrowHeadMs' | 'codeMs' | 'tailMs' | 'fullMs'>

/** Runs that are not counted: the first ones of a session are slow. */
const WARM_UP = 2

/** Times every model of a bundle on this machine, one thread, on one random frame, and coding its latent. Medians, in ms. */
export async function measureParts(
  bundle: Bundle,
  given: Partial<Record<Part, number>>,
  runs: number,
  output: Output,
): Promise<Measured> {
  const { models, modes } = bundle.manifest
  const medians: Partial<Record<Part, number>> = { ...given }
  let latent: Float32Array | undefined
  for (const part of ['local', 'head', 'narrowHead', 'tail', 'full'] as const) {
    const isHead = part === 'head' || part === 'narrowHead'
    if (!models[part] || (medians[part] !== undefined && !isHead)) continue
    const { ms, result } = await timed(bundle, part, runs, output)
    medians[part] ??= ms
    if (isHead) latent ??= result
  }
  const codeMs: Record<number, number> = {}
  for (const mode of modes) {
    if (mode.route === 'split' && latent) codeMs[mode.id] = codingMs(mode, latent, runs)
  }
  const { narrowHead, tail = 0, full = 0 } = medians
  const headMs = medians.head ?? narrowHead ?? 0
  const narrow = narrowHead === undefined ? {} : { narrowHeadMs: narrowHead }
  return { localMs: medians.local ?? full, headMs, ...narrow, tailMs: tail, fullMs: full, codeMs }
}

async function timed(bundle: Bundle, part: Part, runs: number, output: Output) {
  const { input, latent } = bundle.manifest
  const door = part === 'tail' && latent ? latent : input
  const bytes = bundle.modelBytes(part)
  const feeds = seededFeeds(readModel(bytes), { [door.name]: [1, ...door.dims] })
  const session = await openSession(bytes)
  try {
    const times: number[] = []
    let result: Float32Array | undefined
    for (let run = 0; run < WARM_UP + runs; run++) {
      const startMs = performance.now()
      const outputs = await session.run(feeds)
      if (run >= WARM_UP) times.push(performance.now() - startMs)
      result = Object.values(outputs)[0]?.data as Float32Array
      output.progress?.(`timing the ${part} network`, run + 1, WARM_UP + runs)
    }
    return { ms: median(times), result }
  } finally {
    await session.dispose()
  }
}

function codingMs(
  { quantizer }: Extract<Mode, { route: 'split' }>,
  latent: Float32Array,
  runs: number,
): number {
  const times: number[] = []
  for (let run = 0; run < WARM_UP + runs; run++) {
    const startMs = performance.now()
    const coded = quantize(latent, quantizer)
    dequantize(coded.packed.slice(), latent.length, quantizer, coded)
    if (run >= WARM_UP) times.push(performance.now() - startMs)
  }
  return median(times)
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
