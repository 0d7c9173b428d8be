import type { RoundProblemSpec } from '@isthmus/policies/com-ddpg'
import { talkingRounds } from '@isthmus/policies/com-ddpg'
import { type CentralCosts, centralRule, DagCosts, type RoundPolicy } from '@isthmus/policies/env'
import { localRounds, selfishDivision, selfishRounds, serverRounds } from '@isthmus/policies/heuristics'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { agentsPolicy, asDetail, committedAgents, type Played, playAll, ratioOf, rowsOf } from './agents.ts'

export const ratioFigures: readonly FigureSpec[] = [
  {
    name: 'ratioGainPct',
    meaning:
      'cost that agents save by dividing tasks, against the better of those trained the same for whole tasks and themselves made to leave tasks whole, %',
    target: { atLeast: 5 },
    kind: 'result',
  },
]

/** Eight users and four servers, the graphs of {@link measureTalking}, of which every task can be divided. */
const DIVISIBLE: RoundProblemSpec = { env: 'dag', divisible: 1 }

const gainPct = (ours: Played, theirs: Played) => 100 * (1 - ratioOf(ours, theirs, 'cost').ratio)

/** Each way to run tasks twice, whole and divided between the user's device and a server. */
export async function measureRatio({ quick, say }: SuiteContext): Promise<Part> {
  const dividing = await committedAgents('dag-ratio')
  const { shape, weights } = dividing
  const central = (divide: boolean) =>
    centralRule(new DagCosts() as unknown as CentralCosts, { divide }) as RoundPolicy
  const episodes = quick ? 10 : 40
  const played = playAll(
    DIVISIBLE,
    [
      agentsPolicy('agents that divide tasks', dividing),
      agentsPolicy('agents trained for whole tasks', await committedAgents('dag')),
      talkingRounds('agents that divide tasks, made to leave them whole', shape, weights, { whole: true }),
      agentsPolicy('agents that divide tasks, 30 % of messages lost', dividing, 0.3),
      localRounds(),
      serverRounds(),
      selfishRounds(),
      selfishDivision(),
      central(false),
      central(true),
    ],
    episodes,
    say,
  )
  const [ours, whole, forced, lossy, local, servers, selfish, selfishDivided, full, fullDivided] =
    played as Played[] & { length: 10 }
  const ratios = Object.fromEntries(
    Object.entries({
      dividedOverWhole: [ours, whole],
      dividedOverMadeWhole: [ours, forced],
      dividedOverSelfishDivided: [ours, selfishDivided],
      dividedOverCentralDivided: [ours, fullDivided],
      dividedOverLocal: [ours, local],
      dividedOverServers: [ours, servers],
      lossOverAll: [lossy, ours],
      selfishDividedOverWhole: [selfishDivided, selfish],
      centralDividedOverWhole: [fullDivided, full],
    }).map(([name, [one, other]]) => [
      name,
      {
        cost: asDetail(ratioOf(one!, other!, 'cost')),
        latencyS: asDetail(ratioOf(one!, other!, 'latencyS')),
        energyJ: asDetail(ratioOf(one!, other!, 'energyJ')),
      },
    ]),
  )
  return {
    figures: { ratioGainPct: Math.min(...[whole!, forced!].map((other) => gainPct(ours!, other))) },
    detail: { ratio: { episodes, rows: rowsOf(played), ratios } },
  }
}
