import { join } from 'node:path'
import { type ManifestDraft, writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { type Model, writeModel } from '../onnx/index.ts'
import { top1 } from '../train/index.ts'
import { cifar10Manifest, inputDims, localMode, percent, recorded, weightsFrom } from './cifar10-bundle.ts'
import { type ClassifierRecipe, classifierModel, trainClassifier } from './classifier-training.ts'
import { modelFile, normalisation, open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { softLabels } from './soft-labels.ts'
import { teacherModel } from './teacher-training.ts'

type Thread = Parameters<typeof recipeContext>[1]

export interface MadeClassifier {
  readonly model: Model
  readonly draft: NonNullable<ManifestDraft['models']['local']>
  readonly recipe: Readonly<Record<string, string | number>>
  readonly report: string
}

/** Trains a device's own classifier, taught by bundle `cifar10-teacher`, measures it, and writes it as bundle `cifar10-NAME`. */
export async function makeClassifier(
  classifier: ClassifierRecipe,
  input: RecipeInput,
  thread: Thread,
): Promise<MadeClassifier> {
  const { settings } = classifier
  const name = `cifar10-${settings.name}`
  const data = await loadCifar10()
  const teacher = await open(
    teacherModel(await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')),
    input.threads,
  )
  const targets = await softLabels(teacher, data.train, settings)
  await teacher.dispose()
  const { weights, elapsedS } = await trainClassifier(classifier, data, targets, recipeContext(input, thread))
  const model = storeHalfWeights(classifierModel(classifier, weights))
  const session = await open(model, input.threads)
  const accuracy = await top1(session, data.test, normalisation)
  await session.dispose()
  const draft = modelFile('local.onnx', model, inputDims, accuracy)
  const recipe = { ...recorded(settings), [`${settings.name}.wallTimeS`]: Math.round(elapsedS) }
  await writeBundle(
    join(input.bundlesFolder, name),
    {
      ...cifar10Manifest,
      name,
      models: { local: draft },
      modes: [localMode(draft)],
      recipe: { ...recipe, dataSha256: data.sha256 },
    },
    { 'local.onnx': writeModel(model) },
  )
  const report = `${name}: top-1 ${percent(accuracy)}, ${(draft.macs / 1e6).toFixed(2)} M multiply-adds, ${draft.params} parameters`
  return { model, draft, recipe, report }
}
