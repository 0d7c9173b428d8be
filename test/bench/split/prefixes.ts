import type { Part } from '../part.ts'
import { hitsOf, percentage } from './classify.ts'
import type { OperatingPoint } from './operating-points.ts'
import type { SplitMode } from './split-modes.ts'
import { splitRuns } from './split-runs.ts'
import type { World } from './world.ts'

/** Parts of the mean payload that arrive. */
const SHARES = [0.25, 0.4, 0.55, 0.7, 0.85, 1, 1.15, 1.4, 2]
const QUICK_SHARES = [0.4, 1, 2]

/**
 * What the server makes of payloads that end early: the most accurate mode's, cut at more and more bytes. The figure is the largest
 * step down on the way to the whole payload.
 */
export async function measurePrefixes(world: World, points: readonly OperatingPoint[]): Promise<Part> {
  const { bundle, pictures, labels, threads, quick } = world
  const coded = points.filter(({ mode }) => mode.quantizer.kind === 'entropy')
  const best = coded.reduce<OperatingPoint | undefined>((a, b) => (!a || b.top1 > a.top1 ? b : a), undefined)
  if (!best) return { missing: { prefixDropPts: 'the bundle has no entropy-coded mode' } }
  const limits = (quick ? QUICK_SHARES : SHARES).map((share) =>
    Math.max(5, Math.round(share * best.meanBytes)),
  )
  const modes = limits.map((mostBytes): SplitMode => {
    const quantizer = { ...best.mode.quantizer, mostBytes } as SplitMode['quantizer']
    return { ...best.mode, name: `${best.name}, at most ${mostBytes}`, quantizer }
  })
  world.say(`classifying ${pictures.length} test images from ${modes.length} prefixes of their payloads`)
  const accuracies = (await splitRuns(bundle, modes, pictures, threads)).map(({ classes }) =>
    percentage(hitsOf(classes, labels)),
  )
  const steps = accuracies.slice(1).map((accuracy, at) => Math.max(0, accuracies[at]! - accuracy))
  return {
    figures: { prefixDropPts: Math.max(...steps) },
    ...(quick && { verdicts: { prefixDropPts: null } }),
    detail: {
      prefixes: {
        mode: best.name,
        points: limits.map((bytes, at) => ({ mostBytes: bytes, top1: accuracies[at]! })),
      },
    },
  }
}
