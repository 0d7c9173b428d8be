import type { CaseMaker } from './case.ts'
import { linearCases } from './linear-cases.ts'
import { normalizationCases } from './normalization-cases.ts'
import { windowCases } from './window-cases.ts'

export type { CaseMaker, Choices, GradientCase } from './case.ts'

/** A maker of random cases for each operator with a gradient rule. */
export const gradientCases: Readonly<Record<string, CaseMaker>> = {
  ...linearCases,
  ...normalizationCases,
  ...windowCases,
}
