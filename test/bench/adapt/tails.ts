import { join } from 'node:path'
import { FamilyLearner } from '@isthmus/edge-server/adaptation'
import { splitNetwork } from '@isthmus/models/adapt'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import {
  type CorruptionType,
  corruptImages,
  type LabelledImages,
  loadCifar10,
  seededRandom,
  shuffledIndices,
} from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'
import { answerEntropy, selectorNamed } from '@isthmus/policies/upload'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { chosenImages } from './cell.ts'
import { mean } from './errors-table.ts'
import { pixelsOf } from './networks.ts'
import { SplitWire } from './split-wire.ts'

export const tailFigures: readonly FigureSpec[] = [
  {
    name: 'tailGainPts',
    meaning:
      'accuracy gained on the split route at severity 5, in points, when the tail alone adapts on the server; mean over damages and seeds',
    target: { atLeast: 5 },
    kind: 'result',
  },
  {
    name: 'splitGainPts',
    meaning: 'the same when head and tail adapt together',
    target: { atLeast: 5 },
    kind: 'result',
  },
]

interface TailRun {
  readonly learns: 'tail' | 'both'
  readonly type: CorruptionType
  readonly seed: number
  readonly packedPct: number
  readonly adaptedPct: number
  readonly cleanPackedPct: number
  readonly cleanAdaptedPct: number
  readonly uploads: number
  readonly steps: number
  /** Versions that the guard gave up. */
  readonly givenUp: number
}

const BATCH = 64
/** Between two versions. */
const STEPS = 4

/**
 * A device on the split route in bad weather, and what it sends up by CEMA's rule; the server learns as it does in production, lets a
 * version out when the guard lets it pass, and is measured over the wire on images of the same weather that nobody has learned from.
 */
export async function measureTails({ quick, bundles, threads, say }: SuiteContext): Promise<Part> {
  const bundle = await loadBundle(join(bundles, 'cifar10-adaptable'))
  const { test } = await loadCifar10()
  const types: readonly CorruptionType[] = quick ? ['fog'] : ['fog', 'gaussian_noise', 'motion_blur']
  const seeds = quick ? [1] : [1, 2, 3]
  const sizes = quick ? { stream: 192, trial: 100 } : { stream: 768, trial: 600 }
  const runs: TailRun[] = []
  for (const seed of seeds) {
    for (const type of types) {
      for (const learns of quick ? (['tail'] as const) : (['tail', 'both'] as const)) {
        const run = await playTail(bundle, test, { learns, type, seed, ...sizes, threads })
        say(
          `${learns === 'tail' ? 'tail' : 'head and tail'}, ${type}, seed ${seed}: ` +
            `${run.packedPct.toFixed(1)} → ${run.adaptedPct.toFixed(1)} % after ${run.steps} steps; ` +
            `clean ${run.cleanPackedPct.toFixed(1)} → ${run.cleanAdaptedPct.toFixed(1)} %`,
        )
        runs.push(run)
      }
    }
  }
  const gainOf = (learns: TailRun['learns']) =>
    mean(runs.filter((run) => run.learns === learns).map((run) => run.adaptedPct - run.packedPct))
  return {
    figures: { tailGainPts: gainOf('tail'), splitGainPts: quick ? undefined : gainOf('both') },
    // Three steps on a hundred images say nothing.
    ...(quick
      ? { verdicts: { tailGainPts: null }, missing: { splitGainPts: 'takes longer than a quick run' } }
      : {}),
    detail: { tails: { severity: 5, ...sizes, runs: runs.map((run) => ({ ...run })) } },
  }
}

async function playTail(
  bundle: Bundle,
  test: LabelledImages,
  options: {
    learns: 'tail' | 'both'
    type: CorruptionType
    seed: number
    stream: number
    trial: number
    threads: number
  },
): Promise<TailRun> {
  const { learns, type, seed, threads } = options
  const { input, latent, labels, modes } = bundle.manifest
  const mode = modes.find((one) => one.route === 'split')!
  const { quantizer } = mode
  const split = splitNetwork({
    head: readModel(bundle.modelBytes('head')),
    tail: readModel(bundle.modelBytes('tail')),
    quantizer,
    latentDims: latent!.dims,
    learns,
  })
  const index = shuffledIndices(test.count, seededRandom(seed))
  const damaged = (images: LabelledImages) => corruptImages(images, { type, severity: 5, set: 'cifar' }, seed)
  const stream = damaged(chosenImages(test, index.subarray(0, options.stream)))
  const clean = chosenImages(test, index.subarray(options.stream, options.stream + options.trial))
  const trial = damaged(clean)
  const learner = await FamilyLearner.open({
    student: split.model,
    foundation: readModel(bundle.modelBytes('full')),
    mean: input.mean,
    std: input.std,
    threads,
  })
  const selector = selectorNamed('cema', labels.length)
  const packed = await SplitWire.open(bundle, split, quantizer)
  let wire = packed
  let [uploads, steps, givenUp] = [0, 0, 0]
  for (let first = 0; first + BATCH <= stream.count; first += BATCH) {
    const shown = Array.from({ length: BATCH }, (_, row) => pixelsOf(stream, first + row))
    const logits = await wire.answer(shown)
    const sent = shown.filter((pixels, row) => {
      const answer = answerEntropy(logits.slice(row * labels.length, (row + 1) * labels.length), 'logits')
      return selector.judge({ ...answer, bytes: pixels.length, budgetLeft: 1 }).upload
    })
    uploads += sent.length
    const report = await learner.learn(
      sent.map((pixels) => ({ device: 'camera', pixels })),
      first,
    )
    const isLast = first + 2 * BATCH > stream.count
    const isDue = Math.floor((steps + report.steps) / STEPS) > Math.floor(steps / STEPS)
    steps += report.steps
    if (!(isDue || isLast)) continue
    const { parameters, rolledBack } = await learner.candidate()
    if (rolledBack) givenUp++
    if (wire !== packed) await wire.dispose()
    wire = await SplitWire.open(bundle, split, quantizer, parameters)
  }
  const run: TailRun = {
    ...{ learns, type, seed, uploads, steps, givenUp },
    packedPct: await packed.accuracy(trial),
    adaptedPct: await wire.accuracy(trial),
    cleanPackedPct: await packed.accuracy(clean),
    cleanAdaptedPct: await wire.accuracy(clean),
  }
  await learner.dispose()
  if (wire !== packed) await wire.dispose()
  await packed.dispose()
  return run
}
