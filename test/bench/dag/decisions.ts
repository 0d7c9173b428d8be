import { quantile } from '@isthmus/policies'
import { Actor, checkGradients, ROW, Talk } from '@isthmus/policies/com-ddpg'
import { HerdingRounds } from '@isthmus/policies/env'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { committedAgents, FIRST_SEED } from './agents.ts'

export const decisionFigures: readonly FigureSpec[] = [
  {
    name: 'decisionMsP99',
    meaning: 'a round in which 16 tasks are decided among 8 servers, all agents in one thread, ms',
    target: { atMost: 5 },
    kind: 'speed',
  },
  {
    name: 'bpttGradRelErr',
    meaning: 'gradients through time and agents against finite differences, worst weight',
    target: { atMost: 1e-3 },
    kind: 'result',
  },
]

/** How long agents take to decide, and whether they were trained by the right gradients. */
export async function measureDecisions({ quick }: SuiteContext): Promise<Part> {
  const { shape, weights } = await committedAgents('dag')
  // Every device has a task in every slot.
  const environment = new HerdingRounds({ devices: 16, fogs: 8, arrivalChance: 1 })
  const talk = new Talk(new Actor(shape, weights), environment)
  const actions = new Int32Array(environment.agents)
  const times: number[] = []
  for (let episode = 0; episode < (quick ? 3 : 30); episode++) {
    environment.reset(FIRST_SEED + episode)
    talk.begin(FIRST_SEED + episode)
    while (!environment.over) {
      const startMs = performance.now()
      talk.decide(environment, actions)
      const tookMs = performance.now() - startMs
      if (environment.acting.every((acts) => acts === 1)) times.push(tookMs)
      environment.step(actions)
    }
  }
  const small = { hidden: 6, message: 3, heard: 4, row: ROW, ratio: true } as const
  const size = { steps: 6, sequences: 2, agents: 4, places: 3 }
  const checks = []
  for (const communication of ['bidirectional', 'attention'] as const) {
    for (const burnIn of [0, 2]) {
      const { largest, lossError } = await checkGradients({ ...small, communication }, size, burnIn, 11)
      checks.push({ communication, burnIn, largest, lossError })
    }
  }
  return {
    figures: {
      decisionMsP99: quantile(times, 0.99),
      bpttGradRelErr: Math.max(...checks.map(({ largest }) => largest)),
    },
    detail: {
      decisions: { rounds: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
      gradients: checks,
    },
  }
}
