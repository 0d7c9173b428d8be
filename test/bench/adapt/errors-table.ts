import type { Severity } from '@isthmus/models/data'
import { mean, type SeedMean, seedMean } from '../seed-mean.ts'
import { type MethodName, methodNames } from './methods.ts'
import { errorPct, selectedShare } from './played.ts'
import type { PlayedCell } from './played-log.ts'

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
