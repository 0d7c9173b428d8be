import type { CaseMaker } from './case.ts'
import { elementwiseCases } from './elementwise-cases.ts'
import { layoutCases } from './layout-cases.ts'
import { linearCases } from './linear-cases.ts'
import { networkCases } from './network-cases.ts'
import { normalizationCases } from './normalization-cases.ts'
import { reductionCases } from './reduction-cases.ts'
import { windowCases } from './window-cases.ts'

export type { CaseMaker, Choices, GradientCase } from './case.ts'

/** A maker of random cases for each operator with a gradient rule. */
export const gradientCases: Readonly<Record<string, CaseMaker>> = {
  ...elementwiseCases,
  ...layoutCases,
  ...linearCases,
  ...networkCases,
  ...normalizationCases,
  ...reductionCases,
  ...windowCases,
}
