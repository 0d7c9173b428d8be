import { join } from 'node:path'
import { loadBundle, type Mode, writeBundle } from '../bundle/index.ts'
import type { Quantizer } from '../codec/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { readModel, writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
import { modelFile, normalisation, open, splitTop1, throughJpeg } from './measure.ts'
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

const JPEG_QUALITY = 90

/** The static range of 8 bits, coarser by `8 − bits`: the codes of the same interval. */
function atBits(range: { scale: number; zeroPoint: number }, bits: number): Quantizer {
  const coarser = 255 / (2 ** bits - 1)
  return {
    kind: 'affine-static',
    bits,
    scale: Math.fround(range.scale * coarser),
    zeroPoint: Math.round(range.zeroPoint / coarser),
  }
}

/**
 * The BottleFit student of bundle `cifar10-teacher`, written as bundle `cifar10` together with the teacher and the
 * local network: everything that a device and its server need.
 */
const studentRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const context = recipeContext(input, thread)
  const teacherBundle = await loadBundle(join(input.bundlesFolder, 'cifar10-teacher'))
  const localBundle = await loadBundle(join(input.bundlesFolder, 'cifar10-local'))
  const teacherWeights = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const distilled = await distilHead(data, teacherWeights, context)
  const range = await calibrateLatent(data, distilled.weights)
  const tuned = await fineTune(data, teacherWeights, distilled.weights, range, context)
  const weights = new Map([...teacherWeights, ...tuned.weights])

  const [headGraph, tailGraph] = [storeHalfWeights(headModel(weights)), storeHalfWeights(tailModel(weights))]
  const [head, tail] = [await open(headGraph, input.threads), await open(tailGraph, input.threads)]
  const full = await open(readModel(teacherBundle.modelBytes('full')), input.threads)
  const headFile = modelFile('head.onnx', headGraph, inputDims)
  const tailFile = modelFile('tail.onnx', tailGraph, latentDims)
  const teacherFile = teacherBundle.manifest.models.full!
  const localFile = localBundle.manifest.models.local!
  const modes: Mode[] = [
    {
      id: 1,
      name: 'local',
      route: 'local',
      accuracy: localFile.accuracy,
      payloadBytes: 0,
      headMacs: localFile.macs,
      tailMacs: 0,
    },
  ]
  for (const bits of [8, 4]) {
    const quantizer = atBits(range, bits)
    modes.push({
      id: modes.length + 1,
      name: `split-${bits}bit`,
      route: 'split',
      quantizer,
      accuracy: await splitTop1(head, tail, quantizer, data.test, latentDims),
      payloadBytes: Math.ceil((latentDims.reduce((product, dim) => product * dim, 1) * bits) / 8),
      headMacs: headFile.macs,
      tailMacs: tailFile.macs,
    })
  }
  const jpeg = await throughJpeg(data.test, JPEG_QUALITY)
  const edge = { route: 'edge', headMacs: 0, tailMacs: teacherFile.macs } as const
  modes.push(
    {
      id: 4,
      name: 'edge-raw',
      ...edge,
      image: { codec: 'raw' },
      accuracy: teacherFile.accuracy,
      payloadBytes: inputDims.reduce((product, dim) => product * dim, 1),
    },
    {
      id: 5,
      name: `edge-jpeg-${JPEG_QUALITY}`,
      ...edge,
      image: { codec: 'jpeg', quality: JPEG_QUALITY },
      accuracy: await top1(full, jpeg.images, normalisation),
      payloadBytes: jpeg.meanBytes,
    },
  )
  for (const session of [head, tail, full]) await session.dispose()
  await writeBundle(
    join(input.bundlesFolder, 'cifar10'),
    {
      ...cifar10Manifest,
      name: 'cifar10',
      latent: { name: 'latent', dims: [...latentDims] },
      models: {
        local: strip(localFile),
        head: headFile,
        tail: tailFile,
        full: strip(teacherFile),
      },
      modes,
      recipe: {
        ...teacherBundle.manifest.recipe,
        ...localBundle.manifest.recipe,
        ...recorded(studentSettings),
        'student.wallTimeS': Math.round(distilled.elapsedS + tuned.elapsedS),
      },
    },
    {
      'local.onnx': localBundle.modelBytes('local'),
      'head.onnx': writeModel(headGraph),
      'tail.onnx': writeModel(tailGraph),
      'full.onnx': teacherBundle.modelBytes('full'),
    },
  )
  return modes
    .map((mode) => `${mode.name.padEnd(14)} top-1 ${percent(mode.accuracy ?? 0)}, ${mode.payloadBytes} bytes`)
    .join('\n')
}

const strip = ({
  file,
  macs,
  params,
  accuracy,
}: {
  file: string
  macs: number
  params: number
  accuracy?: number
}) => ({
  file,
  macs,
  params,
  ...(accuracy === undefined ? {} : { accuracy }),
})

export default studentRecipe
