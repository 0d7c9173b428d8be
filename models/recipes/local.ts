import { join } from 'node:path'
import { writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
import { localModel, localSettings, trainLocal } from './local-training.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { softLabels } from './soft-labels.ts'
import { teacherModel } from './teacher-training.ts'

/** The device's own classifier, taught by bundle `cifar10-teacher`, written as bundle `cifar10-local`. */
const localRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const teacher = await open(
    teacherModel(await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')),
    input.threads,
  )
  const targets = await softLabels(teacher, data.train, localSettings)
  await teacher.dispose()
  const { weights, elapsedS } = await trainLocal(data, targets, recipeContext(input, thread))
  const model = storeHalfWeights(localModel(weights))
  const session = await open(model, input.threads)
  const accuracy = await top1(session, data.test, normalisation)
  await session.dispose()
  const local = modelFile('local.onnx', model, inputDims, accuracy)
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-local'),
    {
      ...cifar10Manifest,
      name: 'cifar10-local',
      models: { local },
      modes: [
        {
          id: 1,
          name: 'local',
          route: 'local',
          accuracy,
          payloadBytes: 0,
          headMacs: local.macs,
          tailMacs: 0,
        },
      ],
      recipe: {
        ...recorded(localSettings),
        'local.wallTimeS': Math.round(elapsedS),
        dataSha256: data.sha256,
      },
    },
    { 'local.onnx': writeModel(model) },
  )
  return `cifar10-local: top-1 ${percent(accuracy)}, ${(local.macs / 1e6).toFixed(2)} M multiply-adds, ${local.params} parameters`
}

export default localRecipe
