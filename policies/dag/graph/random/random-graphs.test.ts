import { beforeAll, describe, expect, it } from 'vitest'
import { RandomStream } from '../../../env/index.ts'
import { checkTaskGraph } from '../check-task-graph.ts'
import type { TaskGraph } from '../task-graph.ts'
import { type Fit, fitOf, levelsOf } from './goodness-of-fit.test.kit.ts'
import { drawEdges, drawLevels } from './published-levels.ts'
import { chainLengths, taskCounts, taskLevels } from './published-shapes.ts'
import { drawCoreSeconds, durationS, MEAN_CORE_SECONDS } from './published-work.ts'
import { randomTaskGraph, TaskGraphGenerator } from './task-graph-generator.ts'

const GRAPHS = 30_000
/** Levels whose jobs are frequent enough to test in that many graphs. */
const COMMON_LEVELS = [2, 3, 4, 5, 6, 7, 8, 9, 10]

const passes = ({ statistic, critical }: Fit) => statistic < critical

/** Number of tasks, longest chain and levels of graphs. */
interface Shape {
  readonly tasks: number
  readonly chain: number
  readonly levels: readonly number[]
}
const shapeOf = (levels: readonly number[]): Shape => ({
  tasks: levels.length,
  chain: Math.max(...levels),
  levels,
})

const countFit = (shapes: readonly Shape[]) =>
  fitOf(
    shapes.map(({ tasks }) => tasks),
    taskCounts,
  )
const chainFit = (shapes: readonly Shape[], tasks: number) =>
  fitOf(
    shapes.filter((each) => each.tasks === tasks).map(({ chain }) => chain),
    chainLengths.get(tasks)!,
  )
const levelFit = (shapes: readonly Shape[], chain: number) =>
  fitOf(
    shapes.filter((each) => each.chain === chain).flatMap(({ levels }) => levels),
    taskLevels.get(chain)!,
  )

function shapesOf(count: number, make: (random: RandomStream) => TaskGraph): Shape[] {
  const random = new RandomStream(7)
  return Array.from({ length: count }, () => shapeOf(levelsOf(make(random))))
}

describe('published tables', () => {
  it('hold as many jobs and tasks as the trace', () => {
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
    expect(sum(taskCounts.weights)).toBe(2_857_851)
    const tasks = sum(taskCounts.values.map((value, at) => value * taskCounts.weights[at]!))
    expect(tasks).toBe(9_673_063)
    for (const [count, { weights }] of chainLengths) {
      expect(sum(weights)).toBe(taskCounts.weightOf(count, count === 35 ? 199 : count))
    }
    // Every task of a job with two levels or more is on one of them.
    const flat = sum(
      [...chainLengths].filter(([count]) => count < 35).map(([count, table]) => count * table.weightOf(1, 1)),
    )
    const onLevels = sum([...taskLevels.values()].map(({ weights }) => sum(weights)))
    expect(tasks - onLevels - flat - taskCounts.weightOf(1, 1)).toBe(5 * 42)
  })
})

describe('TaskGraphGenerator', () => {
  let shapes: Shape[]
  beforeAll(() => {
    const generator = new TaskGraphGenerator()
    shapes = shapesOf(GRAPHS, (random) => generator.next(random))
  })

  it('has as many tasks as the published jobs', () => {
    expect(passes(countFit(shapes))).toBe(true)
  })

  it.each([2, 3, 4, 5, 7, 10])('has their longest chains among %i tasks', (tasks) => {
    expect(passes(chainFit(shapes, tasks))).toBe(true)
  })

  it.each(COMMON_LEVELS)('has their widths on each of %i levels', (chain) => {
    expect(passes(levelFit(shapes, chain))).toBe(true)
  })

  it('has their longest chains where the number of tasks is fixed', () => {
    const twenties = shapesOf(4000, (random) => randomTaskGraph({ tasks: 20 }, random))
    expect(twenties.every(({ tasks }) => tasks === 20)).toBe(true)
    expect(passes(chainFit(twenties, 20))).toBe(true)
  })

  it('keeps the published shares within bounds of the number of tasks', () => {
    const random = new RandomStream(3)
    const counts = Array.from(
      { length: 3000 },
      () => randomTaskGraph({ tasks: [10, 12] }, random).tasks.length,
    )
    const share = (count: number) => counts.filter((each) => each === count).length / counts.length
    expect(share(10) + share(11) + share(12)).toBe(1)
    expect(share(10)).toBeCloseTo(29566 / (29566 + 24657 + 22814), 1)
    expect(share(12)).toBeCloseTo(22814 / (29566 + 24657 + 22814), 1)
  })

  it('makes graphs that the check takes, of any size', () => {
    const random = new RandomStream(4)
    for (const tasks of [1, 2, 36, 200, 2500]) {
      const graph = randomTaskGraph({ tasks }, random)
      expect(graph.tasks.length).toBe(tasks)
      expect(checkTaskGraph(JSON.parse(JSON.stringify(graph)))).toEqual(graph)
    }
  })

  it('makes equal graphs from equal streams', () => {
    const [a, b, c] = [5, 5, 6].map((seed) => randomTaskGraph({}, new RandomStream(seed, 1)))
    expect(a).toEqual(b)
    expect(a).not.toEqual(c)
  })

  it.each<[string, object]>([
    ['tasks', { tasks: 0 }],
    ['tasks', { tasks: 1.5 }],
    ['tasks', { tasks: [200, 300] }],
    ['tasks', { tasks: [5, 2] }],
    ['work', { work: 'normal' }],
    ['meanCycles', { meanCycles: Number.NaN }],
    ['communicationRatio', { communicationRatio: -1 }],
    ['"ccr"', { ccr: 1 }],
  ])('refuses a wrong %s', (field, options) => {
    expect(() => new TaskGraphGenerator(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})

describe('the tests above', () => {
  const random = new RandomStream(11)
  const naive = (levelsFor: (tasks: number) => number[]) =>
    Array.from({ length: GRAPHS }, () => shapeOf(levelsFor(taskCounts.draw(random))))
  const byWidth = (widths: readonly number[]) =>
    widths.flatMap((width, at) => new Array<number>(width).fill(at + 1))

  it('fail for any number of tasks alike', () => {
    const shapes = Array.from({ length: GRAPHS }, () => shapeOf(byWidth([1 + random.below(20)])))
    expect(passes(countFit(shapes))).toBe(false)
  })

  it('fail for edges between any two tasks alike', () => {
    const shapes = naive((tasks) => {
      const levels: number[] = []
      for (let task = 0; task < tasks; task++) {
        const before = levels.filter(() => random.uniform() < 0.5)
        levels.push(1 + Math.max(0, ...before))
      }
      return levels
    })
    expect(passes(countFit(shapes))).toBe(true)
    for (const tasks of [2, 3, 5, 10]) expect(passes(chainFit(shapes, tasks))).toBe(false)
  })

  it('fail for tasks spread over the levels alike, and for a longest chain that is counted twice', () => {
    const spread = (levelOf: (chain: number) => number) =>
      naive((tasks) => {
        const chain = drawLevels(tasks, random).length
        const widths = new Array<number>(chain).fill(1)
        for (let task = chain; task < tasks; task++) widths[levelOf(chain) - 1]!++
        return byWidth(widths)
      })
    const alike = spread((chain) => 1 + random.below(chain))
    const twice = spread((chain) =>
      chain === 1 ? 1 : taskLevels.get(Math.min(chain, 20))!.draw(random, 1, chain),
    )
    for (const shapes of [alike, twice]) {
      expect(passes(chainFit(shapes, 5))).toBe(true)
      for (const chain of [2, 3, 4, 5, 6, 7]) expect(passes(levelFit(shapes, chain))).toBe(false)
    }
  })
})

describe('drawEdges', () => {
  it('lets nobody wait but for the level before, twice for none, and for enough of them', () => {
    const random = new RandomStream(12)
    const widths = [3, 8, 1, 2, 20, 4]
    const after = drawEdges(widths, random)
    const level = widths.flatMap((width, at) => new Array<number>(width).fill(at))
    for (const [task, before] of after.entries()) {
      expect(new Set(before).size).toBe(before.length)
      expect(before.length > 0).toBe(level[task]! > 0)
      for (const other of before) expect(level[other]).toBe(level[task]! - 1)
    }
    const handsTo = (task: number) => after.filter((before) => before.includes(task)).length
    // ¾ · 8 / 3 = 2 of the second level, ¾ · 1 / 8 of the third: at least one.
    for (const task of [0, 1, 2]) expect(handsTo(task)).toBeGreaterThanOrEqual(2)
    for (let task = 3; task < 11; task++) expect(handsTo(task)).toBe(1)
  })
})

describe('work', () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

  it('has the mean cycles and the ratio of communication to computation that are asked for', () => {
    const random = new RandomStream(13)
    const generator = new TaskGraphGenerator({
      tasks: 20,
      meanCycles: 3e9,
      communicationRatio: 0.25,
      cyclesSigma: 0.5,
    })
    const tasks = Array.from({ length: 2000 }, () => generator.next(random)).flatMap(({ tasks }) => tasks)
    const edges = tasks.flatMap(({ after = [] }) => after.map(({ bits }) => bits))
    expect(mean(tasks.map(({ cycles }) => cycles)) / 3e9).toBeCloseTo(1, 1)
    expect(mean(edges) / 50e6 / (3e9 / 1e10) / 0.25).toBeCloseTo(1, 1)
    expect(mean(tasks.flatMap(({ inputBits }) => inputBits ?? [])) / mean(edges)).toBeCloseTo(1, 1)
    expect(mean(tasks.flatMap(({ outputBits }) => outputBits ?? [])) / mean(edges)).toBeCloseTo(0.1, 2)
    const sources = tasks.filter(({ after }) => after === undefined)
    expect(sources.every(({ inputBits }) => inputBits! > 0)).toBe(true)
  })

  it('has no bits where none are asked for', () => {
    const { tasks } = randomTaskGraph({ tasks: 9, communicationRatio: 0 }, new RandomStream(14))
    expect(
      tasks.flatMap(({ inputBits = 0, outputBits = 0, after = [] }) => [
        inputBits,
        outputBits,
        ...after.map(({ bits }) => bits),
      ]),
    ).toSatisfy((bits: number[]) => bits.every((each) => each === 0))
  })

  it('lasts as long as the published tasks', () => {
    expect(durationS(0)).toBe(0)
    expect(durationS(4927834 / 9673063)).toBeCloseTo(6, 9)
    expect(durationS(0.99999999999)).toBeLessThanOrEqual(86_400)
    // Tasks a second around these lengths, of which the model knows nothing beyond 400 s.
    const density = (seconds: number) => {
      let share = 0.9
      for (let step = 0.05; step > 1e-12; step /= 2) if (durationS(share + step) < seconds) share += step
      return share
    }
    for (const [seconds, tasks] of [
      [601, 281],
      [1001, 74.6],
      [1978, 9.7],
    ] as const) {
      const modelled = ((density(seconds + 5) - density(seconds - 5)) / 10) * 9_673_063
      expect(Math.abs(modelled / tasks - 1)).toBeLessThan(0.1)
    }
    const random = new RandomStream(15)
    const drawn = Array.from({ length: 400_000 }, () => drawCoreSeconds(random))
    expect(Math.abs(mean(drawn) / MEAN_CORE_SECONDS - 1)).toBeLessThan(0.03)
    const published = new TaskGraphGenerator({ tasks: 20, work: 'published', meanCycles: 1e9 })
    const cycles = Array.from({ length: 5000 }, () => published.next(random)).flatMap(({ tasks }) =>
      tasks.map((task) => task.cycles),
    )
    expect(Math.abs(mean(cycles) / 1e9 - 1)).toBeLessThan(0.05)
  })
})
