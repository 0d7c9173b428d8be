import { z } from 'zod'
import type { Gate } from '../gates/index.ts'
import type { HeadRole, Manifest } from './manifest.ts'

/** One threshold of a filter: frames that score below it are skipped. */
export interface FilterPoint {
  /** Share of the frames of interest that pass, as chosen on data held out from training. */
  recall: number
  threshold: number
  /** The same share, and that of all other frames that are skipped, on what `measuredOn` names. */
  measuredRecall?: number
  measuredSkipped?: number
}

/** How `models.filter` tells the frames that are worth a look from the others. */
export interface Filter {
  /** What the network is fed: the bundle's input, or the head's latent. It gives one probability, `interest` [N,1]. */
  reads: 'input' | 'latent'
  /** The labels of the frames that it has to let through. */
  interest: string[]
  /** Area under the ROC on what `measuredOn` names. */
  auc?: number
  /** The point that is used unless somebody wants another recall. */
  recall: number
  /** Recalls rise from one to the next. */
  points: FilterPoint[]
}

/** One threshold of an exit: frames that are surer leave there. */
export interface ExitPoint {
  /** Least accuracy of the frames that leave, as chosen on data held out from training. */
  target: number
  threshold: number
  /** Accuracy of those that leave, and their share of all frames, on what `measuredOn` names; of several heads the worst. */
  accuracy?: number
  share?: number
}

/** How `models.exit`, a classifier on the head's latent, knows when its answer will do. Its output is logits. */
export interface Exit {
  /** The heads on whose latents the thresholds were chosen; by default `head`. It judges no others. */
  heads?: HeadRole[] | undefined
  gate: Gate
  /** Its logits are divided by this before they become probabilities. */
  temperature: number
  /** Expected calibration error (15 bins) without and with the temperature, on what `measuredOn` names. */
  eceBefore?: number
  eceAfter?: number
  /** The point that is used unless somebody wants another accuracy. */
  target: number
  /** Targets rise from one to the next. */
  points: ExitPoint[]
}

const fraction = z.number().min(0).max(1)
const share = z.number().positive().max(1)

export const filterSchema = z.strictObject({
  reads: z.enum(['input', 'latent']),
  interest: z.array(z.string()).min(1),
  auc: fraction.optional(),
  recall: share,
  points: z
    .array(
      z.strictObject({
        recall: share,
        threshold: fraction,
        measuredRecall: fraction.optional(),
        measuredSkipped: fraction.optional(),
      }),
    )
    .min(1)
    .max(32),
})

export const exitSchema = z.strictObject({
  heads: z
    .array(z.enum(['head', 'narrowHead']))
    .min(1)
    .max(2)
    .optional(),
  gate: z.enum(['confidence', 'entropy']),
  temperature: z.number().min(0.01).max(1000),
  eceBefore: fraction.optional(),
  eceAfter: fraction.optional(),
  target: share,
  points: z
    .array(
      z.strictObject({
        target: share,
        threshold: fraction,
        accuracy: fraction.optional(),
        share: fraction.optional(),
      }),
    )
    .min(1)
    .max(32),
})

const isRising = (values: readonly number[]): boolean =>
  values.every((value, i) => i === 0 || value > values[i - 1]!)

/** What contradicts itself about a manifest's filter and exit, as `path: what is wrong`, or nothing. */
export function gatesFault({ filter, exit, models, latent, labels, modes }: Manifest): string | undefined {
  for (const [name, gate] of Object.entries({ filter, exit }) as ['filter' | 'exit', unknown][]) {
    if (gate && !models[name]) return `${name}: needs models.${name}`
    if (!gate && models[name]) return `models.${name}: needs ${name}, which says how it is used`
  }
  if (filter) {
    const { reads, interest, recall, points } = filter
    if (reads === 'latent' && !(models.head && latent)) {
      return 'filter.reads: a filter on the latent needs models.head and latent'
    }
    const unnamed = new Set(labels)
    const stranger = interest.findIndex((label) => !unnamed.delete(label))
    if (stranger >= 0)
      return `filter.interest[${stranger}]: '${interest[stranger]}' is no label, or named twice`
    if (!isRising(points.map((point) => point.recall))) return 'filter.points: recalls must rise'
    if (points.some(({ threshold }, i) => threshold > (points[i - 1]?.threshold ?? 1))) {
      return 'filter.points: a higher recall cannot have a higher threshold'
    }
    if (!points.some((point) => point.recall === recall)) return `filter.recall: no point has ${recall}`
  }
  if (exit) {
    const { target, points, heads = ['head'] } = exit
    const missing = heads.find((head) => !models[head])
    if (missing || !latent) return `exit: needs models.${missing ?? 'head'} and latent`
    if (!modes.some((mode) => mode.route === 'split' && heads.includes(mode.head ?? 'head'))) {
      return 'exit: needs a split mode, whose head it reads'
    }
    if (!isRising(points.map((point) => point.target))) return 'exit.points: targets must rise'
    if (!points.some((point) => point.target === target)) return `exit.target: no point has ${target}`
  }
  return undefined
}
