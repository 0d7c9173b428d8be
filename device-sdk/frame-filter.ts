import type { Manifest } from '@isthmus/models/bundle'
import { deviceError } from './errors.ts'
import type { ModelRunner } from './model-runner.ts'

/** `true`: the bundle's own threshold. `recall`: one that lets at least this share of the frames of interest through. */
export type FilterOption = boolean | { readonly recall: number }

/** Tells frames that are worth a look from the others, before anything is sent. */
export class FrameFilter {
  readonly runner: ModelRunner
  /** What the network is fed. */
  readonly reads: 'input' | 'latent'
  /** Frames that score less are skipped. */
  readonly threshold: number

  constructor(runner: ModelRunner, reads: 'input' | 'latent', threshold: number) {
    this.runner = runner
    this.reads = reads
    this.threshold = threshold
  }

  /** How likely the frame is of interest, 0 to 1. Throws what running the model throws, and BAD_BUNDLE. */
  async interest(values: Float32Array): Promise<number> {
    const [score, ...others] = await this.runner.run(values)
    if (score !== undefined && others.length === 0 && score >= 0 && score <= 1) return score
    throw deviceError('BAD_BUNDLE', 'The filter does not give one probability.')
  }
}

/** The threshold that an option asks for. Throws BAD_OPTIONS when the bundle has none. */
export function filterThreshold(manifest: Manifest, option: Exclude<FilterOption, false>): number {
  const { filter, name } = manifest
  if (!filter) throw deviceError('BAD_OPTIONS', `connectDevice: filter: bundle ${name} has no filter.`)
  const recall = option === true ? filter.recall : option.recall
  const point = filter.points.find((one) => one.recall >= recall)
  if (point) return point.threshold
  const best = filter.points[filter.points.length - 1]!.recall
  throw deviceError('BAD_OPTIONS', `connectDevice: filter.recall: ${name} has thresholds up to ${best}.`)
}
