import { join } from 'node:path'
import { writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { writeModel } from '../onnx/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, percent, recorded } from './cifar10-bundle.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { teacherModel, teacherSettings, trainTeacher } from './teacher-training.ts'

/** The edge's classifier: trained from scratch on CIFAR-10, written as bundle `cifar10-teacher`. */
const teacherRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const { weights, elapsedS } = await trainTeacher(data, recipeContext(input, thread))
  const model = storeHalfWeights(teacherModel(weights))
  const session = await open(model, input.threads)
  const accuracy = await top1(session, data.test, normalisation)
  await session.dispose()
  const full = modelFile('full.onnx', model, inputDims, accuracy)
  const mode = { accuracy, payloadBytes: 3072, headMacs: 0, tailMacs: full.macs }
  await writeBundle(
    join(input.bundlesFolder, 'cifar10-teacher'),
    {
      ...cifar10Manifest,
      name: 'cifar10-teacher',
      models: { full },
      modes: [{ id: 1, name: 'edge-raw', route: 'edge', image: { codec: 'raw' }, ...mode }],
      recipe: {
        ...recorded(teacherSettings),
        'teacher.wallTimeS': Math.round(elapsedS),
        dataSha256: data.sha256,
      },
    },
    { 'full.onnx': writeModel(model) },
  )
  return `cifar10-teacher: top-1 ${percent(accuracy)}, ${(full.macs / 1e6).toFixed(1)} M multiply-adds`
}

export default teacherRecipe
