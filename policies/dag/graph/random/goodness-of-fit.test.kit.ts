import type { TaskGraph } from '../task-graph.ts'
import type { DiscreteDistribution } from './discrete-distribution.ts'

/** Pearson's test of counts against a published table; values that are rarer than five in the sample are one class. */
export interface Fit {
  readonly statistic: number
  readonly degrees: number
  /** Value that a right sample stays below in 999 of 1000 cases (Wilson and Hilferty 1931). */
  readonly critical: number
}

export function fitOf(sample: readonly number[], table: DiscreteDistribution): Fit {
  const seen = new Map<number, number>()
  for (const value of sample) seen.set(value, (seen.get(value) ?? 0) + 1)
  const total = table.weightOf(0, 1e9)
  let statistic = 0
  let classes = 0
  let rare = 0
  let rareExpected = 0
  let counted = 0
  for (const [at, value] of table.values.entries()) {
    const expected = (sample.length * table.weights[at]!) / total
    const count = seen.get(value) ?? 0
    counted += count
    if (expected < 5) {
      rare += count
      rareExpected += expected
      continue
    }
    statistic += (count - expected) ** 2 / expected
    classes++
  }
  if (counted < sample.length) return { statistic: Infinity, degrees: classes, critical: 0 }
  if (rareExpected >= 1) {
    statistic += (rare - rareExpected) ** 2 / rareExpected
    classes++
  }
  const degrees = classes - 1
  const part = 2 / (9 * degrees)
  return { statistic, degrees, critical: degrees * (1 - part + 3.0902 * Math.sqrt(part)) ** 3 }
}

/** `[task]`: tasks on the longest chain that ends with it, from the edges alone. */
export function levelsOf({ tasks }: TaskGraph): number[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const known = new Map<string, number>()
  const levelOf = (id: string): number => {
    const level =
      known.get(id) ?? 1 + Math.max(0, ...(byId.get(id)!.after ?? []).map(({ task }) => levelOf(task)))
    known.set(id, level)
    return level
  }
  return tasks.map(({ id }) => levelOf(id))
}
