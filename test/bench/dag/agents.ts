import {
  type AgentsNetwork,
  type RoundProblemSpec,
  roundEnvironment,
  talkingRounds,
} from '@isthmus/policies/com-ddpg'
import { playRounds, RandomStream, type RoundEnvironment, type RoundPolicy } from '@isthmus/policies/env'
import { loadAgents, trainedAgentsFolder } from '@isthmus/policies/files'
import { pairedRatioInterval, type RatioInterval } from '@isthmus/policies/pareto'
import type { Detail } from '../suite.ts'

/** Seeds that nothing else uses: training draws its own, judgements while training begin at 3·10⁹. */
export const FIRST_SEED = 7_500_000_000

/** Trained agents that come with the package. */
export async function committedAgents(
  name: Parameters<typeof trainedAgentsFolder>[0],
): Promise<AgentsNetwork> {
  return (await loadAgents(trainedAgentsFolder(name))).network
}

/** What a policy came to, episode by episode, for each figure of the environment. */
export interface Played {
  readonly name: string
  readonly episodes: readonly Readonly<Record<string, number>>[]
}

/** Plays all policies on the same episodes. */
export function playAll(
  spec: RoundProblemSpec,
  policies: readonly RoundPolicy[],
  episodes: number,
  say: (line: string) => void,
): Played[] {
  return policies.map((policy) => {
    const environment = roundEnvironment(spec)
    const played = Array.from({ length: episodes }, (_, at) =>
      playRounds(environment, policy, FIRST_SEED + at),
    )
    say(`${environment.name}: ${policy.name}: ${summaryOf(played)}`)
    return { name: policy.name, episodes: played }
  })
}

export const agentsPolicy = (
  name: string,
  { shape, weights }: AgentsNetwork,
  messageLoss = 0,
): RoundPolicy<RoundEnvironment> => talkingRounds(name, shape, weights, { messageLoss })

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const figuresOf = (episodes: Played['episodes']) => Object.keys(episodes[0]!)

function summaryOf(episodes: Played['episodes']): string {
  return figuresOf(episodes)
    .map((figure) => `${figure} ${meanOf(episodes.map((one) => one[figure]!)).toPrecision(4)}`)
    .join(', ')
}

/** Mean of a figure with its bootstrap interval over the episodes. */
export function meanInterval({ episodes }: Played, figure: string): RatioInterval {
  const values = episodes.map((one) => one[figure]!)
  return pairedRatioInterval(
    values,
    values.map(() => 1),
    (sample) => sample.reduce((sum, value) => sum + value, 0),
    {
      random: new RandomStream(0),
    },
  )
}

/** One policy's figure over another's, episodes in pairs, with the interval. */
export function ratioOf(ours: Played, theirs: Played, figure: string): RatioInterval {
  const of = ({ episodes }: Played) => episodes.map((one) => one[figure]!)
  return pairedRatioInterval(
    of(ours),
    of(theirs),
    (sample) => sample.reduce((sum, value) => sum + value, 0),
    {
      random: new RandomStream(0),
    },
  )
}

/** All policies' means with intervals, a row each. */
export function rowsOf(played: readonly Played[]): Detail {
  return played.map((one) => ({
    name: one.name,
    episodes: one.episodes.length,
    ...Object.fromEntries(
      figuresOf(one.episodes).map((figure) => [figure, asDetail(meanInterval(one, figure))]),
    ),
  }))
}

/** The intervals as plain data. */
export const asDetail = ({ ratio, low, high }: RatioInterval): Detail => ({ mean: ratio, low, high })
