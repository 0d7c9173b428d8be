import { join } from 'node:path'
import { plainWeights, unfoldBatchNorm } from '../adapt/index.ts'
import { loadBundle, writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { type Model, readModel, writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
import { cleanBatches } from './clean-batches.ts'
import { foundationSettings, trainFoundation } from './foundation-training.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { teacherModel } from './teacher-training.ts'

/**
 * What adaptation starts from, written as bundle `cifar10-adaptable`: the device's own network with its normalisations back, and a
 * foundation that stays right under changes it has not seen.
 */
const foundationRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const start = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const { weights, elapsedS } = await trainFoundation(data, start, recipeContext(input, thread))
  const foundation = storeHalfWeights(teacherModel(weights))
  const packed = await loadBundle(join(input.bundlesFolder, 'cifar10-local'))
  const student = storeHalfWeights(
    await unfoldBatchNorm(plainWeights(readModel(packed.modelBytes('local'))), cleanBatches(data)),
  )
  const accuracyOf = async (model: Model) => {
    const session = await open(model, input.threads)
    const accuracy = await top1(session, data.test, normalisation)
    await session.dispose()
    return accuracy
  }
  const full = modelFile('full.onnx', foundation, inputDims, await accuracyOf(foundation))
  const local = modelFile('local.onnx', student, inputDims, await accuracyOf(student))
  const edge = { accuracy: full.accuracy, payloadBytes: 3072, headMacs: 0, tailMacs: full.macs }
  const own = { accuracy: local.accuracy, payloadBytes: 0, headMacs: local.macs, tailMacs: 0 }
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-adaptable'),
    {
      ...cifar10Manifest,
      name: 'cifar10-adaptable',
      models: { full, local },
      modes: [
        { id: 1, name: 'local', route: 'local', ...own },
        { id: 2, name: 'edge-raw', route: 'edge', image: { codec: 'raw' }, ...edge },
      ],
      recipe: {
        ...recorded(foundationSettings),
        'foundation.wallTimeS': Math.round(elapsedS),
        dataSha256: data.sha256,
      },
    },
    { 'full.onnx': writeModel(foundation), 'local.onnx': writeModel(student) },
  )
  return `cifar10-adaptable: foundation top-1 ${percent(full.accuracy!)}, local ${percent(local.accuracy!)}`
}

export default foundationRecipe
