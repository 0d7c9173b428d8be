import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseDecoderWidths, type DecoderOption, type TaskDecoders } from './decoder-widths.ts'

const narrow: DecoderOption = { width: 0.5, macs: 20, accuracy: 0.8 }
const wide: DecoderOption = { width: 1, macs: 70, accuracy: 0.85 }
const pair = (one: number, other: number): TaskDecoders[] => [
  { task: 'class', preference: one, options: [narrow, wide] },
  { task: 'coarse', preference: other, options: [narrow, wide] },
]
const widths = (tasks: readonly TaskDecoders[], budget: number) => {
  const choice = chooseDecoderWidths(tasks, budget)
  return (
    choice && Object.fromEntries(Object.entries(choice.options).map(([task, { width }]) => [task, width]))
  )
}

describe('the widths of decoders that share a latent', () => {
  it('are wide for the task that is preferred, and the other way round', () => {
    expect(widths(pair(0.9, 0.1), 100)).toEqual({ class: 1, coarse: 0.5 })
    expect(widths(pair(0.1, 0.9), 100)).toEqual({ class: 0.5, coarse: 1 })
  })

  it('are all wide when the budget allows it, and none when not even the narrow ones fit', () => {
    expect(widths(pair(0.5, 0.5), 140)).toEqual({ class: 1, coarse: 1 })
    expect(widths(pair(0.5, 0.5), 40)).toEqual({ class: 0.5, coarse: 0.5 })
    expect(widths(pair(0.5, 0.5), 39)).toBeUndefined()
  })

  it('are narrow for a task that nobody wants: equals go to the cheaper', () => {
    expect(widths(pair(1, 0), 1000)).toEqual({ class: 1, coarse: 0.5 })
  })

  it('are worth as much as the best of all combinations within the budget', () => {
    const option = fc.record({
      width: fc.constant(1),
      macs: fc.nat(50),
      accuracy: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
    })
    const options = fc.array(option, { minLength: 1, maxLength: 4 })
    const preference = fc.integer({ min: 0, max: 5 })
    const some = fc.array(fc.record({ preference, options }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(some, fc.nat(150), (list, budget) => {
        const tasks = list.map((one, i) => ({ task: `t${i}`, ...one }))
        let best = Number.NEGATIVE_INFINITY
        const search = (at: number, macs: number, value: number): void => {
          if (macs > budget) return
          if (at === tasks.length) best = Math.max(best, value)
          else
            for (const one of tasks[at]!.options)
              search(at + 1, macs + one.macs, value + tasks[at]!.preference * one.accuracy)
        }
        search(0, 0, 0)
        const choice = chooseDecoderWidths(tasks, budget)
        if (!choice) expect(best).toBe(Number.NEGATIVE_INFINITY)
        else {
          const value = tasks.reduce(
            (sum, { task, preference: weight }) => sum + weight * choice.options[task]!.accuracy,
            0,
          )
          expect(value).toBeCloseTo(best, 9)
          expect(choice.macs).toBeLessThanOrEqual(budget)
        }
      }),
    )
  })

  it('are refused for what is no task', () => {
    const [first] = pair(1, 1) as [TaskDecoders]
    const bad = expect.objectContaining({ name: 'IsthmusError', code: 'BAD_OBSERVATION' })
    expect(() => chooseDecoderWidths([{ ...first, options: [] }], 100)).toThrow(bad)
    expect(() => chooseDecoderWidths([{ ...first, preference: Number.NaN }], 100)).toThrow(bad)
    expect(() => chooseDecoderWidths([first, first], 100)).toThrow(bad)
    expect(() => chooseDecoderWidths([first], Number.NaN)).toThrow(bad)
  })
})
