import { join } from 'node:path'
import { type FilterPoint, loadBundle } from '../bundle/index.ts'
import { batchFiller, type LabelledImages, loadCifar10 } from '../data/index.ts'
import { rocAuc, thresholdAtRecall } from '../gates/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import type { Session } from '../runtime/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { inputDims, percent, recorded } from './cifar10-bundle.ts'
import { extendBundle } from './extend-bundle.ts'
import { filterModel, filterSettings, ofInterest, trainFilter } from './filter-training.ts'
import { holdOut } from './held-out.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'

const ANIMALS = ['bird', 'cat', 'deer', 'dog', 'frog', 'horse']

/** Ascending; the first is what a device uses unless it wants another. */
const RECALLS = [0.9, 0.95, 0.98, 0.99, 0.995]

/** What the filter gives for each image. */
async function scoresOf(filter: Session, images: LabelledImages): Promise<Float32Array> {
  const { count, channels, height, width } = images
  const fill = batchFiller(images, normalisation)
  const scores = new Float32Array(count)
  const batch = 250
  for (let start = 0; start < count; start += batch) {
    const rows = Math.min(batch, count - start)
    const data = new Float32Array(rows * channels * height * width)
    const indices = Uint32Array.from({ length: rows }, (_, row) => start + row)
    fill(indices, 0, data)
    const results = await filter.run({
      input: { dtype: 'float32', dims: [rows, channels, height, width], data },
    })
    scores.set(results.interest!.data as Float32Array, start)
  }
  return scores
}

/** The threshold for a recall on held-out images, and what it does on the test set. */
function pointAt(
  recall: number,
  heldOut: { scores: Float32Array; labels: Uint8Array },
  test: { scores: Float32Array; labels: Uint8Array },
): FilterPoint {
  const { threshold } = thresholdAtRecall(heldOut.scores, heldOut.labels, recall)
  const passed = [0, 0]
  const all = [0, 0]
  test.labels.forEach((label, i) => {
    all[label]!++
    if (test.scores[i]! >= threshold) passed[label]!++
  })
  const [others, wanted] = [passed[0]! / all[0]!, passed[1]! / all[1]!]
  return { recall, threshold, measuredRecall: wanted, measuredSkipped: 1 - others }
}

/** A filter "is it an animal?" for bundle `cifar10`: written into it. */
const filterRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const dir = join(input.bundlesFolder, 'cifar10')
  const bundle = await loadBundle(dir)
  const wanted = new Set(ANIMALS.map((name) => bundle.manifest.labels.indexOf(name)))
  const { fit, heldOut } = holdOut(data.train)
  const { weights, elapsedS } = await trainFilter(ofInterest(fit, wanted), recipeContext(input, thread))
  const model = storeHalfWeights(filterModel(weights))
  const filter = await open(model, input.threads)
  const judged = async (images: LabelledImages) => ({
    scores: await scoresOf(filter, images),
    labels: ofInterest(images, wanted).labels,
  })
  const [chosenOn, test] = [await judged(heldOut), await judged(data.test)]
  await filter.dispose()
  const points = RECALLS.map((recall) => pointAt(recall, chosenOn, test))
  const auc = rocAuc(test.scores, test.labels)
  const draft = modelFile('filter.onnx', model, inputDims)
  await extendBundle(dir, bundle, {
    role: 'filter',
    model,
    draft,
    manifest: { filter: { reads: 'input', interest: ANIMALS, auc, recall: RECALLS[0]!, points } },
    recipe: { ...recorded(filterSettings), 'filter.wallTimeS': Math.round(elapsedS) },
  })
  const lines = points.map(
    ({ recall, measuredRecall, measuredSkipped }) =>
      `recall ${percent(recall)}: test ${percent(measuredRecall!)}, ${percent(measuredSkipped!)} of the others skipped`,
  )
  return [
    `filter: ${ANIMALS.join(', ')}; AUC ${auc.toFixed(4)}, ${(draft.macs / 1e6).toFixed(2)} M multiply-adds`,
    ...lines,
  ].join('\n')
}

export default filterRecipe
