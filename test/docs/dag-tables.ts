import { table } from './markdown-table.ts'
import { shown } from './split-tables.ts'

interface Mean {
  readonly mean: number
  readonly low: number
  readonly high: number
}

interface Row {
  readonly name: string
  readonly episodes: number
  readonly [figure: string]: unknown
}

interface PlannerRow {
  readonly name: string
  readonly gapPct: number
  readonly low: number
  readonly high: number
  readonly optimalShare: number
  readonly ms: { readonly p50: number; readonly p99: number }
}

interface PlannerTable {
  readonly set: string
  readonly graphs: number
  readonly rows: readonly PlannerRow[]
}

/** What docs/results.md takes from the stored result of suite `dag`. */
export interface StoredDag {
  readonly detail: {
    readonly planners?: readonly PlannerTable[]
    readonly herding?: { readonly arrivalChance: number; readonly rows: readonly Row[] }
    readonly talking?: {
      readonly episodes: number
      readonly rows: readonly Row[]
      readonly hindsight: readonly Row[]
    }
    readonly ratio?: { readonly episodes: number; readonly rows: readonly Row[] }
  }
}

const interval = ({ mean, low, high }: Mean): string => `${shown(mean)} (${shown(low)} to ${shown(high)})`

const rowsOf = (rows: readonly Row[], figures: readonly string[]): string[][] =>
  rows.map((row) => [row.name, ...figures.map((figure) => interval(row[figure] as Mean))])

/** Below the figures of suite `dag`: planners against the optimum, and agents against rules. */
export function dagSections({ detail: { planners, herding, talking, ratio } }: StoredDag): string[] {
  if (!planners || !herding || !talking) return []
  return [
    ...planners.flatMap(({ set, graphs, rows }) => [
      `Planners on ${graphs} graphs (${set}), all scored by the same cost model: mean % above the proved optimum with its 95 % interval, how often they find it, and how long they take.`,
      '',
      ...table(
        ['', '% above the optimum', 'optimal', 'ms, median', 'ms, p99'],
        rows.map(({ name, gapPct, low, high, optimalShare, ms }) => [
          name,
          `${gapPct.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
          `${(100 * optimalShare).toFixed(0)} %`,
          shown(ms.p50),
          shown(ms.p99),
        ]),
      ),
    ]),
    `Tang and Wong's queue, arrivals ${herding.arrivalChance}, ${herding.rows[0]!.episodes} episodes that nothing was trained on, means with 95 % intervals:`,
    '',
    ...table(
      ['', 'drop ratio', 'delay of those done, slots'],
      rowsOf(herding.rows, ['dropRatio', 'delaySlots']),
    ),
    `Eight users' graphs on four servers, ${talking.episodes} episodes that nothing was trained on. Cost is latency as a share of running all on the users' devices.`,
    '',
    ...table(
      ['', 'latency of a job, s', 'energy of a job, J', 'imbalance of the servers'],
      rowsOf(talking.rows, ['latencyS', 'energyJ', 'imbalance']),
    ),
    `Planners that know all jobs before they arrive, on the first ${talking.hindsight[0]!.episodes} of these episodes:`,
    '',
    ...table(
      ['', 'latency of a job, s', 'energy of a job, J', 'imbalance of the servers'],
      rowsOf(talking.hindsight, ['latencyS', 'energyJ', 'imbalance']),
    ),
    ...(ratio
      ? [
          `The same users and servers when every task can be divided between device and server, ${ratio.episodes} episodes that nothing was trained on:`,
          '',
          ...table(
            ['', 'cost', 'latency of a job, s', 'energy of a job, J'],
            rowsOf(ratio.rows, ['cost', 'latencyS', 'energyJ']),
          ),
        ]
      : []),
  ]
}
