import { type CentralCosts, centralRule, HerdingCosts } from '@isthmus/policies/env'
import { randomRounds, selfishRounds } from '@isthmus/policies/heuristics'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { agentsPolicy, committedAgents, meanInterval, playAll, rowsOf } from './agents.ts'

export const herdingFigures: readonly FigureSpec[] = [
  {
    name: 'herdDropRatio',
    meaning: "tasks dropped by agents that talk in Tang and Wong's queue, 50 devices, arrivals 0.3",
    target: { atMost: 0.05 },
    kind: 'result',
  },
]

/** Fifty devices and five fogs: those who look for their own best all run to the same fog. */
export async function measureHerding({ quick, say }: SuiteContext): Promise<Part> {
  const agents = await committedAgents('herding')
  const silent = await committedAgents('herding-silent')
  const played = playAll(
    { env: 'herding' },
    [
      agentsPolicy('agents that talk', agents),
      agentsPolicy('agents that talk, 30 % of messages lost', agents, 0.3),
      agentsPolicy('agents without communication', silent),
      selfishRounds(),
      randomRounds(),
      centralRule(new HerdingCosts() as unknown as CentralCosts),
    ],
    quick ? 4 : 40,
    say,
  )
  return {
    figures: { herdDropRatio: meanInterval(played[0]!, 'dropRatio').ratio },
    detail: {
      herding: { arrivalChance: 0.3, published: { randomAll: 0.1011, myopic: 0.1807 }, rows: rowsOf(played) },
    },
  }
}
