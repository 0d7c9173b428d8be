import { join } from 'node:path'
import { plainWeights, unfoldBatchNorm } from '../adapt/index.ts'
import { loadBundle, type Mode, writeBundle } from '../bundle/index.ts'
import { loadCifar10 } from '../data/index.ts'
import { modelError } from '../errors.ts'
import { storeByteWeights } from '../nets/index.ts'
import { readModel, writeModel } from '../onnx/index.ts'
import type { ThreadTask } from '../train/index.ts'
import { adaptableLocal } from './adaptable-local.ts'
import { inputDims, localMode, modeTable } from './cifar10-bundle.ts'
import { cleanBatches } from './clean-batches.ts'
import { modelFile, open, splitTop1 } from './measure.ts'
import type { RecipeInput } from './recipe.ts'

/** Of the wide head's rates, from the finest on. */
const RATES = 3

/**
 * Puts the local network of bundle `cifar10-mobile` and the split network of `cifar10-slimmable` into bundle `cifar10-adaptable`: local network
 * and wide head with their normalisations back, the tail as it is, the finest rates, measured anew. Nothing is trained.
 */
const adaptableRecipe: ThreadTask<RecipeInput, string> = async (input) => {
  const data = await loadCifar10()
  const dir = join(input.bundlesFolder, 'cifar10-adaptable')
  const bundle = await loadBundle(dir)
  const split = await loadBundle(join(input.bundlesFolder, 'cifar10-slimmable'))
  const { latent, models } = split.manifest
  const { full } = bundle.manifest.models
  if (!latent || !models.tail || !full)
    throw modelError('BAD_OPTION', `${split.id} is not split, or ${bundle.id} lacks its foundation.`)
  const local = await adaptableLocal(input, data)
  const packed = readModel(split.modelBytes('head'))
  const adaptable = storeByteWeights(await unfoldBatchNorm(plainWeights(packed), cleanBatches(data)))
  const head = modelFile('head.onnx', adaptable, inputDims)
  const sessions = {
    head: await open(adaptable, input.threads),
    tail: await open(readModel(split.modelBytes('tail')), input.threads),
  }
  const modes: Mode[] = [localMode(local.draft)]
  for (const mode of split.manifest.modes) {
    if (mode.route !== 'split' || (mode.head ?? 'head') !== 'head' || modes.length > RATES) continue
    const { quantizer } = mode
    const measured = await splitTop1(sessions.head, sessions.tail, quantizer, data.test, latent.dims)
    modes.push({ ...mode, ...measured, headMacs: head.macs })
  }
  await sessions.head.dispose()
  await sessions.tail.dispose()
  modes.push(bundle.manifest.modes.find(({ route }) => route === 'edge')!)
  const numbered = modes.map((mode, at) => ({ ...mode, id: at + 1 }))
  const { format: _, ...rest } = bundle.manifest
  const taken = Object.entries(split.manifest.recipe ?? {}).filter(([key]) => key.startsWith('slimmable.'))
  await writeBundle(
    dir,
    {
      ...rest,
      latent,
      models: { full, local: local.draft, head, tail: models.tail },
      modes: numbered,
      recipe: { ...rest.recipe, ...local.recipe, ...Object.fromEntries(taken) },
    },
    {
      [full.file]: bundle.modelBytes('full'),
      'local.onnx': writeModel(local.model),
      'head.onnx': writeModel(adaptable),
      [models.tail.file]: split.modelBytes('tail'),
    },
  )
  return modeTable(numbered)
}

export default adaptableRecipe
