import type { Severity } from '@isthmus/models/data'
import { type MethodName, methodNames } from './methods.ts'
import { errorPct, selectedShare } from './played.ts'
import type { PlayedCell } from './played-log.ts'

/** A mean over seeds and how far it can be trusted. */
export interface SeedMean {
  readonly mean: number
  /** 95 % by Student's t over the seeds; absent for one seed. */
  readonly interval95?: readonly [number, number]
}

/** What one method came to at one severity. */
export interface MethodRow {
  readonly method: MethodName
  readonly severity: Severity
  /** Wrong answers in percent, mean over the types. */
  readonly error: SeedMean
  /** Share of images learned from or sent up. */
  readonly selected: SeedMean
  /** By type, mean over the seeds, in percent. */
  readonly byType: Readonly<Record<string, number>>
}

/** The table of methods, types and severities, from nothing but the log. */
export function errorsTable(cells: readonly PlayedCell[]): MethodRow[] {
  const severities = [...new Set(cells.map(({ severity }) => severity))].sort((a, b) => a - b)
  return severities.flatMap((severity) =>
    methodNames.flatMap((method): MethodRow[] => {
      const own = cells.filter((cell) => cell.severity === severity && cell.played[method])
      if (own.length === 0) return []
      const types = [...new Set(own.map(({ type }) => type))]
      const seeds = [...new Set(own.map(({ seed }) => seed))]
      const bySeed = (figure: (cell: PlayedCell) => number) =>
        seedMean(seeds.map((seed) => mean(own.filter((cell) => cell.seed === seed).map(figure))))
      return [
        {
          method,
          severity,
          error: bySeed((cell) => errorPct(cell.played[method]!)),
          selected: bySeed((cell) => selectedShare(cell.played[method]!)),
          byType: Object.fromEntries(
            types.map((type) => [
              type,
              mean(own.filter((cell) => cell.type === type).map((cell) => errorPct(cell.played[method]!))),
            ]),
          ),
        },
      ]
    }),
  )
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** 97.5 % quantiles of Student's t for 1, 2, 3, ... degrees of freedom. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

export function seedMean(values: readonly number[]): SeedMean {
  const centre = mean(values)
  const count = values.length
  if (count < 2) return { mean: centre }
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (count - 1)
  const half = (T[count - 2] ?? 1.96) * Math.sqrt(variance / count)
  return { mean: centre, interval95: [centre - half, centre + half] }
}
