import { formatTable } from '@isthmus/models/cli'
import {
  cornerOf,
  type FrontComparison,
  frontSize,
  type Judged,
  meanFront,
  type Problem,
  preferenceSpearman,
  utilityOf,
  type VolumeRatio,
  volumeRatio,
} from '../gmorl/index.ts'

/** One policy or rule on one system. */
export interface FrontRow {
  readonly name: string
  /** Hypervolume above greedy's corner of each seed set, and over greedy's. */
  readonly tight: VolumeRatio
  /** The same with the fixed reference, where the system has one. */
  readonly loose?: VolumeRatio
  /** Mean over the preferences of the best weighted reward on its front (EUM). */
  readonly utility: number
  /** Points of its mean front that no other one beats. */
  readonly points: number
  /** Whether it follows the preference. */
  readonly heeds: boolean
  /** Costs, means over the seed sets, a point for each preference or setting. */
  readonly front: Judged
}

/** How all compare on one system. */
export interface SystemReport {
  readonly system: string
  readonly costNames: readonly string[]
  /** Mean over the seed sets of greedy's corner, in costs. */
  readonly tightReference: readonly number[]
  readonly looseReference?: readonly number[]
  /** Rank correlation of the first objective's weight with its cost. */
  readonly spearman: number
  /** The policy first, then the rule. */
  readonly rows: readonly FrontRow[]
}

export function reportOf(
  problem: Problem,
  { system, policy, rule, others }: FrontComparison,
  preferences: readonly (readonly number[])[],
): SystemReport {
  const loose = problem.looseReferences.get(system)
  const row = (name: string, fronts: readonly Judged[], heeds: boolean): FrontRow => {
    const front = meanFront(fronts)
    return {
      name,
      tight: volumeRatio(fronts, rule),
      ...(loose && { loose: volumeRatio(fronts, rule, loose) }),
      utility: utilityOf(front, preferences, problem.costScales),
      points: frontSize(front),
      heeds,
      front,
    }
  }
  const [corner] = meanFront(rule.map((front) => [cornerOf(front)]))
  return {
    system,
    costNames: problem.costNames,
    tightReference: corner!,
    ...(loose && { looseReference: loose }),
    spearman: preferenceSpearman(policy, preferences),
    rows: [
      row('policy', policy, true),
      row('greedy', rule, true),
      ...[...others].map(([name, fronts]) =>
        row(name, fronts, problem.heuristics.get(name)!.heedsPreference),
      ),
    ],
  }
}

const number = (value: number): string => String(Number(value.toPrecision(5)))
const point = (costs: readonly number[], names: readonly string[]): string =>
  `(${costs.map((cost, at) => `${number(cost)} ${names[at]}`).join(', ')})`
const interval = ({ low, high }: VolumeRatio): string => `${low.toFixed(4)} … ${high.toFixed(4)}`

/** The report as text. */
export function formatReport(report: SystemReport): string {
  const { system, costNames, tightReference, looseReference, spearman, rows } = report
  const volumes = (of: VolumeRatio) => [number(of.volume), of.ratio.toFixed(4), interval(of)]
  const headings = looseReference
    ? ['', ' tight', ' ÷ greedy', ' 95 %', ' loose', ' ÷ greedy', ' 95 %', ' utility', ' points']
    : ['', ' tight', ' ÷ greedy', ' 95 %', ' utility', ' points']
  const table = formatTable(
    headings,
    rows.map(({ name, tight, loose, utility, points }) => [
      name,
      ...volumes(tight),
      ...(loose ? volumes(loose) : []),
      utility.toFixed(4),
      String(points),
    ]),
  )
  const references = [
    `tight: greedy's corner, in the mean ${point(tightReference, costNames)}`,
    ...(looseReference ? [`loose: ${point(looseReference, costNames)}`] : []),
  ]
  return [
    `${system}: hypervolume below the reference point (${references.join('; ')})`,
    table,
    `Weight of the first objective against its cost, rank correlation: ${spearman.toFixed(4)}`,
  ].join('\n\n')
}
