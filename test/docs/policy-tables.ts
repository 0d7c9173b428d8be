import type { StoredFronts } from './front-figure.ts'
import { table } from './markdown-table.ts'
import { shown } from './split-tables.ts'

interface Ratio {
  readonly ratio: number
  readonly low: number
  readonly high: number
}

/** What docs/results.md takes from the stored result of suite `policy`. */
export interface StoredPolicy {
  readonly detail: {
    readonly tight?: Readonly<Record<string, Ratio>>
    readonly loose?: Readonly<Record<string, Ratio>>
    readonly unseen?: Readonly<Record<string, Ratio>>
    readonly hypervolume?: {
      readonly seen: { readonly points: number; readonly sets: number; readonly episodes: number }
      readonly tightReferences: Readonly<Record<string, readonly number[]>>
      readonly looseReferences: Readonly<Record<string, readonly number[]>>
    }
    readonly rules?: readonly {
      readonly name: string
      readonly volume: Readonly<Record<string, number>>
      readonly msPerDecision: number
      readonly evaluationsPerDecision: number
    }[]
    readonly learners?: readonly { readonly name: string; readonly volume: Ratio; readonly seconds: number }[]
    readonly headRoom?: readonly {
      readonly system: string
      readonly learned: number
      readonly hindsight: number
      readonly closed: number
    }[]
    readonly fronts?: StoredFronts
    readonly split?: {
      readonly best: string
      readonly ratio: Ratio
      readonly comparison: {
        readonly traces: string
        readonly referenceMean: readonly number[]
        readonly volumeOverGreedy: Readonly<Record<string, number>>
        readonly hindsightOverGreedy: number
      }
    }
  }
}

const interval = ({ ratio, low, high }: Ratio): string =>
  `${ratio.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`

const point = (costs: readonly number[]): string => costs.map(shown).join(', ')

/** Below the figures of suite `policy`: hypervolumes with their references, all rules, and split computing. */
export function policySections({ detail }: StoredPolicy, figures: readonly string[]): string[] {
  const { tight, loose, unseen, hypervolume, rules, headRoom, learners, split } = detail
  if (!tight || !loose || !unseen || !hypervolume || !rules || !headRoom || !learners || !split) return []
  const { points, sets, episodes } = hypervolume.seen
  const systems = Object.keys(rules[0]!.volume)
  return [
    `One policy against greedy-ω: hypervolume ratio over the same ${points} preferences, ${sets} seed sets of ${episodes} episodes, 95 % interval from the sets in pairs; reference points in seconds and joules a task.`,
    '',
    ...table(
      ['system', 'tight reference (mean)', 'ratio', 'loose reference', 'ratio'],
      Object.keys(tight).map((system) => [
        system,
        point(hypervolume.tightReferences[system]!),
        interval(tight[system]!),
        point(hypervolume.looseReferences[system]!),
        interval(loose[system]!),
      ]),
    ),
    ...(figures.includes('policy-fronts.svg')
      ? ['![Delay against energy of the learned policy and greedy-ω](figures/policy-fronts.svg)', '']
      : []),
    'In systems unlike those of training (tight reference):',
    '',
    ...table(
      ['system', 'ratio'],
      Object.entries(unseen).map(([system, ratio]) => [system, interval(ratio)]),
    ),
    'All rules on the same few episodes: hypervolume over greedy-ω’s (tight reference; a coarser grid of preferences than above), and what a decision costs in the largest system.',
    '',
    ...table(
      ['', ...systems, 'ms a decision', 'evaluations a decision'],
      rules.map(({ name, volume, msPerDecision, evaluationsPerDecision }) => [
        name,
        ...systems.map((system) => volume[system]!.toFixed(4)),
        shown(msPerDecision),
        shown(evaluationsPerDecision),
      ]),
    ),
    'Each learner by itself on one small problem (E=3), hypervolume over greedy-ω’s with its corners as reference:',
    '',
    ...table(
      ['learner', 'ratio', 'seconds'],
      learners.map(({ name, volume, seconds }) => [name, interval(volume), seconds.toFixed(0)]),
    ),
    'What head-room there is: the policy’s own plans, improved task by task with knowledge of the whole episode (a local optimum, no bound; another grid and fewer episodes than above).',
    '',
    ...table(
      ['system', 'learned', 'with hindsight', 'share of the gap closed'],
      headRoom.map(({ system, learned, hindsight, closed }) => [
        system,
        learned.toFixed(4),
        hindsight.toFixed(4),
        closed.toFixed(2),
      ]),
    ),
    `Split computing on links not trained on (${split.comparison.traces}), delay, energy and error: hypervolume over greedy-ω’s, reference ${point(split.comparison.referenceMean)} in the mean (s, J, errors a frame). The best rule is ${split.best}; over it the learned policy has ${interval(split.ratio)}.`,
    '',
    ...table(
      ['', 'over greedy-ω'],
      [
        ...Object.entries(split.comparison.volumeOverGreedy).map(([name, ratio]) => [name, ratio.toFixed(4)]),
        ['greedy with hindsight (no device can)', split.comparison.hindsightOverGreedy.toFixed(4)],
      ],
    ),
  ]
}
