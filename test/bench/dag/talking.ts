import type { RoundProblemSpec } from '@isthmus/policies/com-ddpg'
import { type CentralCosts, centralRule, DagCosts } from '@isthmus/policies/env'
import { randomRounds, selfishRounds } from '@isthmus/policies/heuristics'
import type { Part } from '../part.ts'
import type { Detail, FigureSpec, SuiteContext } from '../suite.ts'
import { agentsPolicy, asDetail, committedAgents, type Played, playAll, ratioOf, rowsOf } from './agents.ts'
import { planWithHindsight } from './hindsight-plans.ts'

export const talkingFigures: readonly FigureSpec[] = [
  {
    name: 'commGainPct',
    meaning: 'latency that communication saves against agents trained without it, 8 users and 4 servers, %',
    target: { atLeast: 10 },
    kind: 'result',
  },
  {
    name: 'agents4to8Pct',
    meaning: 'latency that agents trained with 4 lose among 8, against those trained with 8, %',
    target: { atMost: 5 },
    kind: 'result',
  },
  {
    name: 'messageLossPct',
    meaning: 'latency that agents lose when each message is lost in 30 % of cases, %',
    target: { atMost: 5 },
    kind: 'result',
  },
]

const EIGHT: RoundProblemSpec = { env: 'dag' }

/** Eight users' graphs on four servers whose loads are published twice a second. */
export async function measureTalking({ quick, say }: SuiteContext): Promise<Part> {
  const agents = await committedAgents('dag')
  const silent = await committedAgents('dag-silent')
  const four = await committedAgents('dag-four')
  const attentive = await committedAgents('dag-attention')
  const byCosts = await committedAgents('dag-ddpg')
  const episodes = quick ? 4 : 40
  const played = playAll(
    EIGHT,
    [
      agentsPolicy('agents that talk', agents),
      agentsPolicy('agents that talk, 30 % of messages lost', agents, 0.3),
      agentsPolicy('agents that talk, all messages lost', agents, 1),
      agentsPolicy('agents trained with four', four),
      agentsPolicy('agents with attention', attentive),
      agentsPolicy('agents without communication', silent),
      agentsPolicy('agents that talk, by deep deterministic policy gradient alone', byCosts),
      selfishRounds(),
      randomRounds(),
      centralRule(new DagCosts() as unknown as CentralCosts),
    ],
    episodes,
    say,
  )
  const planned = planWithHindsight(EIGHT, quick ? 2 : 10, say)
  const latency = (ours: Played, theirs: Played) => ratioOf(ours, theirs, 'latencyS')
  const [own, lossy, , fromFour, , without] = played as [Played, Played, Played, Played, Played, Played]
  const gain = latency(own, without)
  const strange = latency(fromFour, own)
  const lost = latency(lossy, own)
  const detail: Detail = {
    episodes,
    rows: rowsOf(played),
    hindsight: rowsOf(planned),
    ratios: {
      talkOverSilent: asDetail(gain),
      fourOverEight: asDetail(strange),
      lossOverAll: asDetail(lost),
    },
  }
  return {
    figures: {
      commGainPct: 100 * (1 - gain.ratio),
      agents4to8Pct: 100 * (strange.ratio - 1),
      messageLossPct: 100 * (lost.ratio - 1),
    },
    detail: { talking: detail },
    ...(quick && { verdicts: quickVerdicts(gain.ratio, strange.ratio, lost.ratio) }),
  }
}

/** Four episodes cannot tell five per cent from six: then talking has to be of use at all. */
function quickVerdicts(gain: number, strange: number, lost: number): Record<string, string | null> {
  const below = (ratio: number, limit: number) =>
    ratio <= limit ? null : `${ratio.toFixed(3)} in this short run, above ${limit}`
  return {
    commGainPct: below(gain, 0.98),
    agents4to8Pct: below(strange, 1.12),
    messageLossPct: below(lost, 1.12),
  }
}
