import type { EnvironmentPolicy } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import { collectLabels, type LabelOptions, type Labels } from '../imitation/labels.ts'
import { type Judged, type JudgeOptions, judge } from '../judge/judge.ts'
import { NetworkGroup, oneByOne } from '../network/group-policy.ts'
import { LearnedPolicy } from '../network/learned-policy.ts'
import type { SetNetworkShape } from '../network/set-network.ts'
import { collectEpisodes, type EpisodeOptions, type Episodes } from '../play/episodes.ts'
import type { Problem } from '../problems/index.ts'

/** A policy network as plain data. */
export interface PolicyNetwork {
  readonly shape: SetNetworkShape
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** What a collector can be asked for. No policy given: the problem's own rule. */
export type CollectorJob =
  | {
      readonly kind: 'labels'
      readonly options: LabelOptions
      readonly base?: PolicyNetwork
      readonly student: PolicyNetwork
    }
  | { readonly kind: 'episodes'; readonly options: EpisodeOptions; readonly policy: PolicyNetwork }
  | {
      readonly kind: 'judge'
      readonly options: JudgeOptions
      readonly policy?: PolicyNetwork
      /** One of the problem's heuristics in one of its settings, instead of a policy. */
      readonly heuristic?: { readonly name: string; readonly setting: number }
    }

export interface CollectorResults {
  labels: Labels
  episodes: Episodes
  judge: Judged
}

/** Does one job. The same job gives the same result, wherever and whenever it is done. A signal ends one that uses the runtime. */
export async function doCollectorJob(
  problem: Problem,
  job: CollectorJob,
  signal?: AbortSignal,
): Promise<Labels | Episodes | Judged> {
  const learned = ({ shape, weights }: PolicyNetwork) => new LearnedPolicy(problem.encoding, shape, weights)
  const orRule = (network?: PolicyNetwork): EnvironmentPolicy<unknown> =>
    network ? learned(network) : problem.base()
  switch (job.kind) {
    case 'labels':
      return labelsOf(problem, learned(job.student), job.base, { ...job.options, ...(signal && { signal }) })
    case 'episodes':
      return collectEpisodes(problem, learned(job.policy), job.options)
    case 'judge':
      return judge(
        problem,
        job.heuristic ? heuristicOf(problem, job.heuristic) : orRule(job.policy),
        job.options,
      )
  }
}

function heuristicOf(
  { heuristics }: Problem,
  { name, setting }: { readonly name: string; readonly setting: number },
): EnvironmentPolicy<unknown> {
  const make = heuristics.get(name)?.settings[setting]
  if (make) return make()
  throw policyError(
    'BAD_OPTION',
    `heuristic: "${name}" in setting ${setting} is none of ${[...heuristics.keys()].join(', ')}`,
  )
}

/** What was learnt before, where it is given, is both what a teacher looks ahead with and what it leans on. */
async function labelsOf(
  problem: Problem,
  student: LearnedPolicy<unknown>,
  network: PolicyNetwork | undefined,
  options: LabelOptions,
): Promise<Labels> {
  if (!network) return collectLabels(problem, oneByOne(problem.base()), student, options)
  const { encoding, places } = problem
  const anchor = new LearnedPolicy(encoding, network.shape, network.weights)
  const base = await NetworkGroup.open(encoding, places, network)
  try {
    return await collectLabels(problem, base, student, options, anchor)
  } finally {
    await base.dispose()
  }
}
