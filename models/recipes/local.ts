import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { loadBundle } from '../bundle/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { makeClassifier } from './classifier.ts'
import { localClassifier } from './classifier-training.ts'
import { replaceLocal } from './extend-bundle.ts'
import type { RecipeInput } from './recipe.ts'

/**
 * The device's own classifier, as bundle `cifar10-local` and in the place of the one that bundle `cifar10` has, where there is such.
 */
const localRecipe: ThreadTask<RecipeInput, string> = async (input, thread) => {
  const { model, draft, recipe, report } = await makeClassifier(localClassifier, input, thread)
  const whole = join(input.bundlesFolder, 'cifar10')
  if (await hasBundle(whole)) await replaceLocal(whole, await loadBundle(whole), model, draft, recipe)
  return report
}

const hasBundle = (dir: string): Promise<boolean> =>
  access(join(dir, 'manifest.json')).then(
    () => true,
    () => false,
  )

export default localRecipe
