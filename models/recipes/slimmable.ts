import { join } from 'node:path'
import { loadBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { weightsOf } from '../nets/index.ts'
import { readModel } from '../onnx/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { weightsFrom } from './cifar10-bundle.ts'
import { open } from './measure.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { fineTuneSlimmable, imitateHead, slimmableSettings } from './slimmable-training.ts'
import { softLabels } from './soft-labels.ts'
import { teacherModel } from './teacher-training.ts'

/** The slimmable successor of the student: a smaller encoder of two widths at any rate. */
const slimmableRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const context = recipeContext(input, thread)
  const student = await loadBundle(join(input.bundlesFolder, 'cifar10-student'))
  const imitated = await imitateHead(data, readModel(student.modelBytes('head')), context)
  const teacherWeights = await weightsFrom(input.bundlesFolder, 'cifar10-teacher', 'full')
  const teacher = await open(teacherModel(teacherWeights), input.threads)
  const targets = await softLabels(teacher, data.train, slimmableSettings)
  await teacher.dispose()
  const start = new Map([...weightsOf(readModel(student.modelBytes('tail'))), ...imitated.weights])
  const tuned = await fineTuneSlimmable(data, targets, start, context)
  return `${tuned.weights.size} weights`
}

export default slimmableRecipe
