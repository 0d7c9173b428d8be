import { join } from 'node:path'
import { writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { adaptableLocal } from './adaptable-local.ts'
import { cifar10Manifest, inputDims, localMode, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
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
  // First: what is missing is found out now, not after the training.
  const local = await adaptableLocal(input, data)
  const start = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const { weights, elapsedS } = await trainFoundation(data, start, recipeContext(input, thread))
  const foundation = storeHalfWeights(teacherModel(weights))
  const session = await open(foundation, input.threads)
  const full = modelFile('full.onnx', foundation, inputDims, await top1(session, data.test, normalisation))
  await session.dispose()
  const edge = { accuracy: full.accuracy, payloadBytes: 3072, headMacs: 0, tailMacs: full.macs }
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-adaptable'),
    {
      ...cifar10Manifest,
      name: 'cifar10-adaptable',
      models: { full, local: local.draft },
      modes: [
        localMode(local.draft),
        { id: 2, name: 'edge-raw', route: 'edge', image: { codec: 'raw' }, ...edge },
      ],
      recipe: {
        ...recorded(foundationSettings),
        'foundation.wallTimeS': Math.round(elapsedS),
        ...local.recipe,
        dataSha256: data.sha256,
      },
    },
    { 'full.onnx': writeModel(foundation), 'local.onnx': writeModel(local.model) },
  )
  return `cifar10-adaptable: foundation top-1 ${percent(full.accuracy!)}, local ${percent(local.draft.accuracy!)}`
}

export default foundationRecipe
