import { join } from 'node:path'
import { plainWeights, unfoldBatchNorm } from '../adapt/index.ts'
import { loadBundle, type ManifestDraft } from '../bundle/index.ts'
import type { Cifar10 } from '../data/index.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { type Model, readModel } from '../onnx/index.ts'
import { top1 } from '../train/index.ts'
import { inputDims } from './cifar10-bundle.ts'
import { cleanBatches } from './clean-batches.ts'
import { modelFile, normalisation, open } from './measure.ts'
import type { RecipeInput } from './recipe.ts'

export interface AdaptableLocal {
  readonly model: Model
  readonly draft: NonNullable<ManifestDraft['models']['local']>
  /** How the network was trained. */
  readonly recipe: Readonly<Record<string, string | number>>
}

/** The local network of bundle `cifar10-mobile` with its normalisations back, measured. */
export async function adaptableLocal(
  { bundlesFolder, threads }: Pick<RecipeInput, 'bundlesFolder' | 'threads'>,
  data: Cifar10,
): Promise<AdaptableLocal> {
  const packed = await loadBundle(join(bundlesFolder, 'cifar10-mobile'))
  const model = storeHalfWeights(
    await unfoldBatchNorm(plainWeights(readModel(packed.modelBytes('local'))), cleanBatches(data)),
  )
  const session = await open(model, threads)
  const draft = modelFile('local.onnx', model, inputDims, await top1(session, data.test, normalisation))
  await session.dispose()
  const recorded = Object.entries(packed.manifest.recipe ?? {})
  return {
    model,
    draft,
    recipe: Object.fromEntries(recorded.filter(([key]) => key.startsWith('mobile.'))),
  }
}
