import type { Bundle } from '@isthmus/models/bundle'
import { batchFiller, type LabelledImages } from '@isthmus/models/data'
import { expectedCalibrationError, rocAuc, sureness } from '@isthmus/models/gates'
import { openSession, type Session } from '@isthmus/models/runtime'
import { argmax } from '@isthmus/models/train'
import type { Hits } from './classify.ts'

const BATCH = 250

/** What filter and exit of a bundle do at the thresholds that a device uses unless told otherwise. Shares without `Pct`: 0 to 1. */
export interface GateFigures {
  /** Area under the ROC. */
  readonly filterAuc: number
  /** Share of the frames of interest that pass. */
  readonly filterRecall: number
  /** Of the other frames, those that are skipped. */
  readonly filterSkippedPct: number
  /** Of the frames that leave, those that are right. */
  readonly exitAccuracy: number
  /** Of all frames, those that leave. */
  readonly exitSharePct: number
  /** Expected calibration error over all frames, 15 bins, without and with the temperature. */
  readonly eceBefore: number
  readonly eceAfter: number
}

export interface Gates {
  readonly figures: GateFigures
  /** By frame: 1 where the exit answers, and where it is right. */
  readonly leaves: Uint8Array
  readonly exitHits: Hits
  /** By frame: 1 where the filter lets it pass. */
  readonly passes: Uint8Array
}

/** Runs one image after another through filter, head and exit of a bundle that has them. */
export async function measureGates(bundle: Bundle, images: LabelledImages, threads: number): Promise<Gates> {
  const { filter, exit, labels, input, latent, output } = bundle.manifest
  if (!filter || !exit || !latent) throw new Error(`Bundle ${bundle.id} has no filter or no exit.`)
  const classes = labels.length
  const sessions = new Map<'filter' | 'head' | 'exit', Session>()
  for (const role of ['filter', 'head', 'exit'] as const) {
    sessions.set(role, await openSession(bundle.modelBytes(role), { intraOpThreads: threads }))
  }
  const run = async (role: 'filter' | 'head' | 'exit', dims: readonly number[], data: Float32Array) => {
    const session = sessions.get(role)!
    const rows = data.length / dims.reduce((product, dim) => product * dim, 1)
    const results = await session.run({
      [session.inputs[0]!.name]: { dtype: 'float32', dims: [rows, ...dims], data },
    })
    const name = { filter: 'interest', head: latent.name, exit: output.name }[role]
    return results[name]!.data as Float32Array
  }
  const scores = new Float32Array(images.count)
  const logits = new Float32Array(images.count * classes)
  const fill = batchFiller(images, input)
  try {
    for (let start = 0; start < images.count; start += BATCH) {
      const rows = Math.min(BATCH, images.count - start)
      const pixels = new Float32Array(rows * input.dims.reduce((product, dim) => product * dim, 1))
      const indices = Uint32Array.from({ length: rows }, (_, row) => start + row)
      fill(indices, 0, pixels)
      const latents = await run('head', input.dims, pixels)
      const judged =
        filter.reads === 'input' ? ([input.dims, pixels] as const) : ([latent.dims, latents] as const)
      scores.set(await run('filter', ...judged), start)
      logits.set(await run('exit', latent.dims, latents), start * classes)
    }
  } finally {
    for (const session of sessions.values()) await session.dispose()
  }
  return judge(bundle, images, scores, logits)
}

function judge(
  { manifest: { filter, exit, labels } }: Bundle,
  images: LabelledImages,
  scores: Float32Array,
  logits: Float32Array,
): Gates {
  const classes = labels.length
  const wanted = new Set(filter!.interest.map((label) => labels.indexOf(label)))
  const interesting = images.labels.map((label) => (wanted.has(label) ? 1 : 0))
  const least = filter!.points.find(({ recall }) => recall === filter!.recall)!.threshold
  const passes = Uint8Array.from(scores, (score) => (score >= least ? 1 : 0))
  const right = images.labels.map((label, row) => (argmax(logits, row * classes, classes) === label ? 1 : 0))
  const surest = sureness(logits, classes, exit!.temperature, exit!.gate)
  const threshold = exit!.points.find(({ target }) => target === exit!.target)!.threshold
  const leaves = Uint8Array.from(surest, (sure) => (sure >= threshold ? 1 : 0))
  const ece = (temperature: number) => expectedCalibrationError(sureness(logits, classes, temperature), right)
  const figures = {
    filterAuc: rocAuc(scores, interesting),
    filterRecall: share(passes, interesting, 1),
    filterSkippedPct: 100 * (1 - share(passes, interesting, 0)),
    exitAccuracy: share(right, leaves, 1),
    exitSharePct: (100 * count(leaves)) / images.count,
    eceBefore: ece(1),
    eceAfter: ece(exit!.temperature),
  }
  return { figures, leaves, exitHits: right, passes }
}

const count = (flags: Uint8Array): number => flags.reduce((sum, flag) => sum + flag, 0)

/** Of the frames whose `kind` is `of`, the share that is flagged. */
function share(flags: Uint8Array, kind: Uint8Array, of: 0 | 1): number {
  const own = flags.filter((_, i) => kind[i] === of)
  return count(own) / own.length
}

/**
 * A split mode behind the exit: frames that leave take the exit's answer and no bytes. `hits` are the mode's own, for all frames;
 * `meanPayloadBytes` likewise.
 */
export function behindExit(
  { leaves, exitHits }: Gates,
  hits: Hits,
  meanPayloadBytes: number,
): { hits: Hits; meanPayloadBytes: number } {
  return {
    hits: hits.map((hit, i) => (leaves[i] ? exitHits[i]! : hit)),
    meanPayloadBytes: (meanPayloadBytes * (leaves.length - count(leaves))) / leaves.length,
  }
}
