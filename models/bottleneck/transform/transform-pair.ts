import { millions, type SplitPair } from '../split-pair.ts'
import type { Teacher } from '../teacher.ts'
import type { Transform } from './karhunen-loeve.ts'
import type { TransformPlan } from './propose-transform.ts'
import { transformModels } from './transform-models.ts'
import { transformModes } from './transform-modes.ts'

/** The teacher itself, cut, with a linear transform and its inverse at the cut. */
export function transformPair(
  teacher: Teacher,
  { cut, directions }: TransformPlan,
  transform: Transform,
  rates: number,
): SplitPair {
  const [, channels, height, width] = cut.dims as [number, number, number, number]
  const latentDims = [directions, height, width] as const
  return {
    ...transformModels(teacher, cut.tensor, [height, width], transform),
    latentDims,
    modes: (latents) => transformModes(latents, latentDims, transform.variances, rates),
    facts: [
      [
        'device keeps',
        `everything up to ${cut.tensor} [${cut.dims.slice(1).join('×')}], ${millions(cut.headMacs)}`,
      ],
      [
        'transform',
        `${channels} channels to ${directions}, which hold ${(100 * transform.kept).toFixed(0)} % of their variance`,
      ],
    ],
  }
}
