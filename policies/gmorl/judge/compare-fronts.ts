import { policyError } from '../../errors.ts'
import type { CollectorJob, PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import type { Problem } from '../problems/index.ts'
import type { Judged } from './judge.ts'

/** What all fronts of a comparison are made from. */
export interface FrontSettings {
  /** One of the problem's judging systems. */
  readonly system: string
  readonly preferences: readonly (readonly number[])[]
  /** Seed sets; set k plays the `episodes` seeds from `firstSeed + k · episodes` on, the same for all policies. */
  readonly sets: number
  readonly episodes: number
  readonly firstSeed: number
}

export interface FrontQuestion extends FrontSettings {
  readonly problem: Problem
  /** Threads of that problem; fronts do not depend on how many there are. */
  readonly collectors: Collectors
  readonly policy: PolicyNetwork
  /** Names of the problem's heuristics to play as well. */
  readonly against?: readonly string[]
  /** Called as jobs end, with how many have and how many there are. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Fronts in costs, lower is better, one for each seed set. */
export interface FrontComparison {
  readonly system: string
  readonly policy: readonly Judged[]
  /** Of the problem's base rule. */
  readonly rule: readonly Judged[]
  /** Of other heuristics by name. One that heeds no preference has a point for each of its settings. */
  readonly others: ReadonlyMap<string, readonly Judged[]>
}

/** Preferences of one job: small enough that progress shows and all threads end together. */
const JOB = 25

type JudgedBy = Pick<CollectorJob & { kind: 'judge' }, 'policy' | 'heuristic'>

/**
 * Plays the policy, the base rule and others on the same episodes under the same preferences.
 *
 * @throws IsthmusError `BAD_OPTION` for a system or a heuristic that there is not, `COLLECTOR_DIED`
 */
export async function compareFronts(question: FrontQuestion): Promise<FrontComparison> {
  const { problem, collectors, system, preferences, sets, episodes, firstSeed } = question
  const against = question.against ?? []
  for (const name of against) {
    if (problem.heuristics.has(name)) continue
    throw policyError(
      'BAD_OPTION',
      `against: "${name}" is none of ${[...problem.heuristics.keys()].join(', ')}`,
    )
  }
  let done = 0
  let total = 0
  const ask = async (set: number, of: typeof preferences, by: JudgedBy): Promise<Judged> => {
    total++
    const front = await collectors.ask({
      kind: 'judge',
      options: { system, preferences: of, firstSeed: firstSeed + set * episodes, episodes },
      ...by,
    })
    question.onProgress?.(++done, total)
    return front
  }
  const seedSets = [...Array(sets).keys()]
  const front = async (set: number, by: JudgedBy, of = preferences): Promise<Judged> => {
    const jobs: Promise<Judged>[] = []
    for (let at = 0; at < of.length; at += JOB) jobs.push(ask(set, of.slice(at, at + JOB), by))
    return (await Promise.all(jobs)).flat()
  }
  const frontsOf = (by: JudgedBy, of?: typeof preferences) =>
    Promise.all(seedSets.map((set) => front(set, by, of)))
  const heuristicFronts = async (name: string): Promise<[string, Judged[]]> => {
    const { heedsPreference, settings } = problem.heuristics.get(name)!
    const of = heedsPreference ? preferences : preferences.slice(0, 1)
    const fronts = await Promise.all(
      settings.map((_, setting) => frontsOf({ heuristic: { name, setting } }, of)),
    )
    return [name, seedSets.map((set) => fronts.flatMap((sets) => sets[set]!))]
  }
  const [policy, rule, others] = await Promise.all([
    frontsOf({ policy: question.policy }),
    frontsOf({}),
    Promise.all(against.map(heuristicFronts)),
  ])
  return { system, policy, rule, others: new Map(others) }
}
