import { cifar10Mean, cifar10Std, loadCifar10 } from '../data/index.ts'
import { writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/index.ts'
import { type ThreadTask, top1 } from '../train/index.ts'
import { type RecipeInput, recipeContext } from './recipe.ts'
import { teacherModel, trainTeacher } from './teacher-training.ts'

/** The edge's classifier: trained from scratch on CIFAR-10. */
const teacherRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const data = await loadCifar10()
  const weights = await trainTeacher(data, recipeContext(input, thread))
  const session = await openSession(writeModel(teacherModel(weights)), { intraOpThreads: input.threads })
  const accuracy = await top1(session, data.test, { mean: cifar10Mean, std: cifar10Std })
  await session.dispose()
  return `top-1 on the CIFAR-10 test set: ${(100 * accuracy).toFixed(2)} %`
}

export default teacherRecipe
