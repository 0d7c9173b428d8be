import type { ThreadTask } from '../train/index.ts'
import { makeClassifier } from './classifier.ts'
import { mobileClassifier } from './classifier-training.ts'
import type { RecipeInput } from './recipe.ts'

/** A better classifier for a device that can spare the time, as bundle `cifar10-mobile`: what `foundation` and `adaptable` make adaptable. */
const mobileRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const { report } = await makeClassifier(mobileClassifier, input, thread)
  return report
}

export default mobileRecipe
