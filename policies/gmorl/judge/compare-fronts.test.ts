import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import {
  Collectors,
  compareFronts,
  cornerOf,
  type FrontComparison,
  type FrontQuestion,
  frontSize,
  initialWeights,
  type PolicyNetwork,
  type ProblemSpec,
  preferenceSpearman,
  problemOf,
  seenRange,
  utilityOf,
  volumeRatio,
} from '../index.ts'

const spec: ProblemSpec = { env: 'mec', edges: [2], judged: [2], system: { slots: 12 } }
const problem = problemOf(spec)
const { rowLength, contextLength } = problem.encoding
const shape = { rowLength, contextLength, hidden: 4, outputs: 1 }
/** A new policy is the rule itself, but for rounding and ties. */
const untrained: PolicyNetwork = { shape, weights: initialWeights(shape, new RandomStream(1), 1) }
const preferences = problem.grid(31, new RandomStream(1))

const threads: Collectors[] = []
function compare(collectors: number, more: Partial<FrontQuestion> = {}): Promise<FrontComparison> {
  const some = new Collectors(spec, collectors)
  threads.push(some)
  const question = { problem, collectors: some, policy: untrained, preferences, system: 'E=2', ...more }
  return compareFronts({ sets: 3, episodes: 4, firstSeed: 500, ...question })
}
afterAll(() => Promise.all(threads.map((some) => some.dispose())))

describe('fronts of a policy and of rules on the same episodes', () => {
  let comparison: FrontComparison
  const ends: number[][] = []
  beforeAll(async () => {
    const against = ['all cloud', 'static mix']
    comparison = await compare(1, { against, onProgress: (...counts) => ends.push(counts) })
  })

  it('has one front a seed set, and a point for each preference or setting', () => {
    const points = (fronts: FrontComparison['policy']) => fronts.map((front) => front.length)
    expect(points(comparison.policy)).toEqual([31, 31, 31])
    expect(points(comparison.rule)).toEqual([31, 31, 31])
    expect(points(comparison.others.get('all cloud')!)).toEqual([1, 1, 1])
    expect(points(comparison.others.get('static mix')!)).toEqual([11, 11, 11])
    // 31 preferences are two jobs.
    expect(ends.at(-1)).toEqual([3 * (2 + 2 + 1 + 11), 3 * (2 + 2 + 1 + 11)])
  })

  it('gives an untrained policy, which is the rule, the rule’s hypervolume', () => {
    const { ratio, low, high } = volumeRatio(comparison.policy, comparison.rule)
    expect(Math.abs(ratio - 1)).toBeLessThan(0.02)
    expect(low).toBeLessThanOrEqual(ratio)
    expect(high).toBeGreaterThanOrEqual(ratio)
    expect(volumeRatio(comparison.rule, comparison.rule)).toMatchObject({ ratio: 1, low: 1, high: 1 })
    const bad = volumeRatio(comparison.others.get('all cloud')!, comparison.rule, [500, 1])
    expect(bad.ratio).toBeLessThan(volumeRatio(comparison.rule, comparison.rule, [500, 1]).ratio)
  })

  it('knows what the rule does when it is asked for delay alone', () => {
    const [front] = comparison.rule
    expect(preferenceSpearman(comparison.rule, preferences)).toBeLessThan(-0.8)
    expect(frontSize(front!)).toBeGreaterThan(2)
    const [delay, energy] = cornerOf(front!) as [number, number]
    expect(Math.max(...front!.map((costs) => costs[0]!))).toBe(delay)
    // The best point for delay is worth −0.01 a second, whatever its energy.
    const [fastest] = [...front!].sort((a, b) => a[0]! - b[0]!)
    expect(utilityOf(front!, [[1, 0]], problem.costScales)).toBeCloseTo(-0.01 * fastest![0]!, 12)
    expect(energy).toBeGreaterThan(0)
  })

  it('is the same with two threads', async () => {
    const again = await compare(2)
    expect(again.policy).toEqual(comparison.policy)
    expect(again.rule).toEqual(comparison.rule)
  })

  it('names a system or a heuristic that there is not', async () => {
    await expect(compare(1, { system: 'E=99' })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('E=2'),
    })
    await expect(compare(1, { against: ['magic'] })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('shortest queue'),
    })
  })
})

it('notes the lowest and the highest of each number that was seen', () => {
  const set = (rows: number[], context: number[]) => ({
    rows: Float32Array.from(rows),
    context: Float32Array.from(context),
  })
  expect(
    seenRange([set([1, -2, 3, 4], [0.5]), set([0, 9], [-0.5, 2])], { rowLength: 2, contextLength: 1 }),
  ).toEqual({ rows: { low: [0, -2], high: [3, 9] }, context: { low: [-0.5], high: [2] } })
})
