import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { plainWeights, unfoldBatchNorm } from '../adapt/index.ts'
import { loadBundle, writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
import { cleanBatches } from './clean-batches.ts'
import { replaceLocal } from './extend-bundle.ts'
import { localModel, localSettings, trainLocal } from './local-training.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { softLabels } from './soft-labels.ts'
import { teacherModel } from './teacher-training.ts'

/**
 * The device's own classifier, taught by bundle `cifar10-teacher`, written as bundle `cifar10-local` and put in the place of the one that
 * bundles `cifar10` and `cifar10-adaptable` have, where there are such.
 */
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
  const recipe = { ...recorded(localSettings), 'local.wallTimeS': Math.round(elapsedS) }
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
      recipe: { ...recipe, dataSha256: data.sha256 },
    },
    { 'local.onnx': writeModel(model) },
  )
  const whole = join(input.bundlesFolder, 'cifar10')
  if (await hasBundle(whole)) await replaceLocal(whole, await loadBundle(whole), model, local, recipe)
  const adaptable = join(input.bundlesFolder, 'cifar10-adaptable')
  if (await hasBundle(adaptable)) {
    const unfolded = storeHalfWeights(await unfoldBatchNorm(plainWeights(model), cleanBatches(data)))
    const opened = await open(unfolded, input.threads)
    const own = modelFile('local.onnx', unfolded, inputDims, await top1(opened, data.test, normalisation))
    await opened.dispose()
    await replaceLocal(adaptable, await loadBundle(adaptable), unfolded, own, {})
  }
  return `cifar10-local: top-1 ${percent(accuracy)}, ${(local.macs / 1e6).toFixed(2)} M multiply-adds, ${local.params} parameters`
}

const hasBundle = (dir: string): Promise<boolean> =>
  access(join(dir, 'manifest.json')).then(
    () => true,
    () => false,
  )

export default localRecipe
