import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../data/random.ts'
import { type Choices, gradientCases } from './cases/index.ts'
import { checkCase } from './gradient-check.ts'

const RUNS = 25

const choicesOf = (g: fc.GeneratorValue): Choices => ({
  integer: (min, max) => g(fc.integer, { min, max }),
  pick: (items) => items[g(fc.nat, items.length - 1)]!,
  random: seededRandom(g(fc.nat)),
})

describe('gradients in float32 agree with central differences in float64', () => {
  for (const [operator, make] of Object.entries(gradientCases)) {
    test(operator, async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (g) => {
          const choose = choicesOf(g)
          const sample = make(choose)
          const names = Object.keys(sample.inputs)
          const chosen = choose.integer(1, 2 * 2 ** names.length - 1)
          const wrt = names.filter((_, index) => chosen >= 2 ** names.length || (chosen >> index) & 1)
          const errors = await checkCase(sample, wrt, choose.random)
          expect(errors.outputs).toBeLessThan(1e-5)
          expect(errors.gradients).toBeLessThan(1e-3)
        }),
        { numRuns: RUNS },
      )
    })
  }
})
