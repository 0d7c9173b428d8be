import { formatTable } from '@isthmus/models/cli'
import { IsthmusError } from '@isthmus/proto'
import { RandomStream } from '../env/index.ts'
import { pairedRatioInterval, type RatioInterval } from '../pareto/index.ts'
import type { EpisodeFigures } from './contestants.ts'

/** What a contestant came to, episode by episode. */
export interface Played {
  readonly name: string
  readonly episodes: readonly EpisodeFigures[]
}

/** A mean, or a ratio of means, and its 95 % bootstrap interval. */
export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
}

export interface AgentsRow extends Interval {
  readonly name: string
  /** Over the yardstick, episodes in pairs; undefined where the yardstick's figure is 0. */
  readonly ratio: Interval | undefined
  readonly episodes: readonly number[]
}

/** How all compare by one figure. */
export interface FigureReport {
  readonly figure: string
  readonly yardstick: string
  readonly rows: readonly AgentsRow[]
}

/** One report a figure. Throws IsthmusError `BAD_OPTION` for fewer than two episodes. */
export function figureReports(played: readonly Played[], yardstick: string): FigureReport[] {
  const beside = played.find(({ name }) => name === yardstick)!
  return Object.keys(beside.episodes[0]!).map((figure) => {
    const of = ({ episodes }: Played) => episodes.map((one) => one[figure]!)
    const theirs = of(beside)
    const rows = played.map((one) => {
      const ours = of(one)
      return {
        name: one.name,
        ...intervalOf(
          ours,
          ours.map(() => 1),
        ),
        ratio: ratioOf(ours, theirs),
        episodes: ours,
      }
    })
    return { figure, yardstick, rows }
  })
}

const sum = (sample: readonly number[]): number => sample.reduce((total, value) => total + value, 0)

function intervalOf(ours: readonly number[], theirs: readonly number[]): Interval {
  const { ratio, low, high }: RatioInterval = pairedRatioInterval(ours, theirs, sum, {
    random: new RandomStream(0),
  })
  return { mean: ratio, low, high }
}

/** A figure may be 0 in all the episodes that are drawn: nothing can be said of its ratio then. */
function ratioOf(ours: readonly number[], theirs: readonly number[]): Interval | undefined {
  try {
    return intervalOf(ours, theirs)
  } catch (error) {
    if (error instanceof IsthmusError && error.code === 'BAD_OPTION') return undefined
    throw error
  }
}

const number = (value: number): string => String(Number(value.toPrecision(4)))
const interval = ({ low, high }: Interval): string => `${number(low)} … ${number(high)}`

/** The report as text. */
export function formatFigure({ figure, yardstick, rows }: FigureReport): string {
  return formatTable(
    [figure, ' mean', ' 95 %', ` ÷ ${yardstick}`, ' 95 %'],
    rows.map((row) => [
      row.name,
      number(row.mean),
      interval(row),
      row.ratio ? row.ratio.mean.toFixed(4) : '–',
      row.ratio ? `${row.ratio.low.toFixed(4)} … ${row.ratio.high.toFixed(4)}` : '–',
    ]),
  )
}
