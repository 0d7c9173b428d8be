import type { GradientRule } from '../tape.ts'
import { convolutionRules } from './convolution.ts'
import { elementwiseRules } from './elementwise.ts'
import { linearRules } from './linear.ts'
import { normalizationRules } from './normalization.ts'
import { poolingRules } from './pooling.ts'
import { reductionRules } from './reduction.ts'
import { shapeRules } from './shape.ts'

export { isFlat, STOP_GRADIENT } from './flat.ts'

/** The gradient rule of each operator that has one. */
export const gradientRules: Readonly<Record<string, GradientRule>> = {
  ...convolutionRules,
  ...elementwiseRules,
  ...linearRules,
  ...normalizationRules,
  ...poolingRules,
  ...reductionRules,
  ...shapeRules,
}
