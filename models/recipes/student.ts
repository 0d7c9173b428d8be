import { join } from 'node:path'
import { type Mode, withoutDominated, writeBundle } from '../bundle/index.ts'
import { entropyQuantizer, type Quantizer } from '../codec/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { elementCount, writeModel } from '../onnx/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { cifar10Manifest, inputDims, modeTable, recorded, weightsFrom } from './cifar10-bundle.ts'
import { modelFile, open, splitTop1 } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { softLabels } from './soft-labels.ts'
import {
  distilHead,
  fineTune,
  headModel,
  latentDims,
  staticRange,
  studentSettings,
  tailModel,
  trainingLatents,
} from './student-training.ts'
import { teacherModel } from './teacher-training.ts'

const CODED_BITS = [6, 5, 4, 3]

/** The static range of 8 bits at fewer: the same interval with fewer codes. */
function atBits(range: { scale: number; zeroPoint: number }, bits: number) {
  const coarser = 255 / (2 ** bits - 1)
  return {
    kind: 'affine-static',
    bits,
    scale: Math.fround(range.scale * coarser),
    zeroPoint: Math.round(range.zeroPoint / coarser),
  } as const
}

/** The published 8 bits, and fewer of them coded by how often each code comes. */
function quantizers(latents: Float32Array): [name: string, quantizer: Quantizer][] {
  const range = staticRange(latents)
  const [channels, ...plane] = latentDims as [number, ...number[]]
  const coded = (bits: number) =>
    entropyQuantizer(atBits(range, bits), latents, channels, elementCount(plane))
  return [
    ['split-8bit', atBits(range, 8)],
    ['split-4bit', atBits(range, 4)],
    ...CODED_BITS.map((bits): [string, Quantizer] => [`split-${bits}bit-coded`, coded(bits)]),
  ]
}

/** The BottleFit student of bundle `cifar10-teacher`, written as bundle `cifar10-student`. */
const studentRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const context = recipeContext(input, thread)
  const teacherWeights = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const distilled = await distilHead(data, teacherWeights, context)
  const teacher = await open(teacherModel(teacherWeights), input.threads)
  const targets = await softLabels(teacher, data.train, studentSettings)
  await teacher.dispose()
  const trainingRange = staticRange(await trainingLatents(data, distilled.weights))
  const tuned = await fineTune(data, targets, teacherWeights, distilled.weights, trainingRange, context)
  const weights = new Map([...teacherWeights, ...tuned.weights])
  const [headGraph, tailGraph] = [storeHalfWeights(headModel(weights)), storeHalfWeights(tailModel(weights))]
  const [head, tail] = [await open(headGraph, input.threads), await open(tailGraph, input.threads)]
  const models = {
    head: modelFile('head.onnx', headGraph, inputDims),
    tail: modelFile('tail.onnx', tailGraph, latentDims),
  }
  const measured: Mode[] = []
  for (const [name, quantizer] of quantizers(await trainingLatents(data, tuned.weights))) {
    measured.push({
      id: 0,
      name,
      route: 'split',
      quantizer,
      ...(await splitTop1(head, tail, quantizer, data.test, latentDims)),
      headMacs: models.head.macs,
      tailMacs: models.tail.macs,
    })
  }
  // The published way stays, whatever beats it.
  const worthwhile = new Set([measured[0]!, ...withoutDominated(measured)])
  const modes = [...worthwhile].map((mode, index) => ({ ...mode, id: index + 1 }))
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
