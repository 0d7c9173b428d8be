import type { RandomStream } from '../../../env/index.ts'
import { DiscreteDistribution } from './discrete-distribution.ts'
import { chainLengths, taskLevels } from './published-shapes.ts'

/** Most tasks, and most levels, that have a table of their own; larger ones share the last. */
const LAST_TASKS = Math.max(...chainLengths.keys())
const LAST_LEVELS = Math.max(...taskLevels.keys())

/** Jobs by levels, over all numbers of tasks from 2 on. */
const jobsByLevels = new Map<number, number>()
for (const { values, weights } of chainLengths.values()) {
  for (const [at, levels] of values.entries()) {
    jobsByLevels.set(levels, (jobsByLevels.get(levels) ?? 0) + weights[at]!)
  }
}

/**
 * Where tasks lie beside the one that every level has, `[levels]`: the published counts of all tasks less one a level and job.
 * Drawing from these, and not from all, makes the sum come out as published.
 */
const further = new Map(
  Array.from(taskLevels, ([levels, { values, weights }]) => [
    levels,
    new DiscreteDistribution(
      Array.from(values, (level, at) => [level, Math.max(0, weights[at]! - jobsWith(levels, level))]),
    ),
  ]),
)

/** Jobs among those that share the table of `levels` that have a level `level`. */
function jobsWith(levels: number, level: number): number {
  if (levels < LAST_LEVELS) return jobsByLevels.get(levels)!
  let jobs = 0
  for (const [each, count] of jobsByLevels) if (each >= Math.max(levels, level)) jobs += count
  return jobs
}

/** Tasks on each level of a random job with so many tasks: at least one on each. */
export function drawLevels(tasks: number, random: RandomStream): number[] {
  const chain = chainLengths.get(Math.min(tasks, LAST_TASKS))
  const levels = chain?.draw(random, 1, tasks) ?? 1
  const widths = new Array<number>(levels).fill(1)
  const table = further.get(Math.min(levels, LAST_LEVELS))
  for (let task = levels; task < tasks; task++) {
    widths[(table?.draw(random, 1, levels) ?? 1) - 1]!++
  }
  return widths
}

/**
 * Edges between levels: each task hands to ¾ as many tasks of the next level, drawn without repetition, as there are to a task,
 * rounded up (Tian et al. 2019, their generator), and whoever is left gets one more task to wait for. So a task's level is the
 * number of tasks on the longest chain that ends with it.
 *
 * @returns `[task]`: the tasks that it waits for; tasks are numbered level by level
 */
export function drawEdges(widths: readonly number[], random: RandomStream): number[][] {
  const after: number[][] = Array.from({ length: widths.reduce((sum, width) => sum + width, 0) }, () => [])
  let first = 0
  for (let level = 1; level < widths.length; level++) {
    const width = widths[level - 1]!
    const next = widths[level]!
    const each = Math.ceil((3 * next) / (4 * width))
    const targets = Array.from({ length: next }, (_, at) => first + width + at)
    for (let task = first; task < first + width; task++) {
      for (let pick = 0; pick < each; pick++) {
        const other = pick + random.below(next - pick)
        const target = targets[other]!
        targets[other] = targets[pick]!
        targets[pick] = target
        after[target]!.push(task)
      }
    }
    for (let task = first + width; task < first + width + next; task++) {
      if (after[task]!.length === 0) after[task]!.push(first + random.below(width))
    }
    first += width
  }
  return after
}
