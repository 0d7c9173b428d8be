import { join } from 'node:path'
import { type Mode, writeBundle } from '../bundle/index.ts'
import type { Quantizer } from '../codec/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { writeModel } from '../onnx/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { cifar10Manifest, inputDims, modeTable, recorded, weightsFrom } from './cifar10-bundle.ts'
import { modelFile, open, splitTop1 } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import {
  calibrateLatent,
  distilHead,
  fineTune,
  headModel,
  latentDims,
  studentSettings,
  tailModel,
} from './student-training.ts'

/** The static range of 8 bits at fewer: the same interval with fewer codes. */
function atBits(range: { scale: number; zeroPoint: number }, bits: number): Quantizer {
  const coarser = 255 / (2 ** bits - 1)
  return {
    kind: 'affine-static',
    bits,
    scale: Math.fround(range.scale * coarser),
    zeroPoint: Math.round(range.zeroPoint / coarser),
  }
}

/** The BottleFit student of bundle `cifar10-teacher`, written as bundle `cifar10-student`. */
const studentRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const context = recipeContext(input, thread)
  const teacherWeights = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const distilled = await distilHead(data, teacherWeights, context)
  const range = await calibrateLatent(data, distilled.weights)
  const tuned = await fineTune(data, teacherWeights, distilled.weights, range, context)
  const weights = new Map([...teacherWeights, ...tuned.weights])
  const [headGraph, tailGraph] = [storeHalfWeights(headModel(weights)), storeHalfWeights(tailModel(weights))]
  const [head, tail] = [await open(headGraph, input.threads), await open(tailGraph, input.threads)]
  const models = {
    head: modelFile('head.onnx', headGraph, inputDims),
    tail: modelFile('tail.onnx', tailGraph, latentDims),
  }
  const modes: Mode[] = []
  for (const bits of [8, 4]) {
    const quantizer = atBits(range, bits)
    modes.push({
      id: modes.length + 1,
      name: `split-${bits}bit`,
      route: 'split',
      quantizer,
      accuracy: await splitTop1(head, tail, quantizer, data.test, latentDims),
      payloadBytes: Math.ceil((latentDims.reduce((product, dim) => product * dim, 1) * bits) / 8),
      headMacs: models.head.macs,
      tailMacs: models.tail.macs,
    })
  }
  for (const session of [head, tail]) await session.dispose()
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-student'),
    {
      ...cifar10Manifest,
      name: 'cifar10-student',
      latent: { name: 'latent', dims: [...latentDims] },
      models,
      modes,
      recipe: {
        ...recorded(studentSettings),
        'student.wallTimeS': Math.round(distilled.elapsedS + tuned.elapsedS),
        dataSha256: data.sha256,
      },
    },
    { 'head.onnx': writeModel(headGraph), 'tail.onnx': writeModel(tailGraph) },
  )
  return modeTable(modes)
}

export default studentRecipe
