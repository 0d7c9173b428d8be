import { describe, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { type Communication, initialActor } from './actor-shape.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { Crossing, CrossingCosts } from './crossing.test.kit.ts'
import { runDdpg } from './ddpg-stage.ts'
import { runImitation } from './imitation-stage.ts'
import { ROW } from './offload-rows.ts'
import { inRounds } from './problems.ts'
import type { ComDdpgContext } from './stage.ts'

const problem = inRounds('crossing', 'cost', () => new Crossing(), new CrossingCosts())

function begun(communication: Communication): { first: AgentsNetwork; context: ComDdpgContext } {
  const shape = { row: ROW, hidden: 12, message: 4, heard: 4, communication }
  return {
    first: { shape, weights: initialActor(shape, new RandomStream(3), 1) },
    context: {
      problem,
      sequence: { steps: 4, sequences: 16, agents: 2, places: 3 },
      burnIn: 0,
      messageLoss: 0,
      seed: 1,
      threads: 1,
      checkAborted() {},
      async endOfRound() {},
    },
  }
}

const rounds = { rounds: 50, episodes: 4, steps: 20, memory: 100 }

function byCosts(communication: Communication) {
  const { first, context } = begun(communication)
  const options = { discount: 0, temperature: 1, actorRate: 1 }
  const stage = {
    ...rounds,
    rate: 0.01,
    options,
    critic: 16,
    exploration: 1,
    targetRate: 0.05,
    criticRounds: 5,
  }
  return runDdpg({ kind: 'ddpg', ...stage }, first, context)
}

const costOf = (agents: AgentsNetwork | string) => problem.judge(agents, 2e9, 50)

describe('agents that must not meet', () => {
  it.each<Communication>(['bidirectional', 'attention'])(
    'learn from costs alone to keep apart by what they tell each other: %s',
    async (communication) => {
      expect(costOf('selfish')).toBeGreaterThan(0.8)
      expect(costOf(await byCosts(communication))).toBeLessThan(0.3)
    },
    120_000,
  )

  it('cannot without communication: they go their own way, or meet in half of the rounds', async () => {
    expect(costOf(await byCosts('none'))).toBeGreaterThan(0.7)
  }, 120_000)

  it('learn it from one who sees what the other took, and the same from the same seed', async () => {
    const learn = () => {
      const { first, context } = begun('bidirectional')
      const stage = { ...rounds, rounds: 15, rate: 0.01, spread: 0.05 }
      return runImitation({ kind: 'imitation', ...stage }, first, context)
    }
    const agents = await learn()
    expect(costOf('central')).toBeCloseTo(0.1, 9)
    expect(costOf(agents)).toBeLessThan(0.2)
    expect((await learn()).weights).toEqual(agents.weights)
  }, 120_000)
})
