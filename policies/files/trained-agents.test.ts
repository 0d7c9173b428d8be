import { describe, expect, it } from 'vitest'
import {
  agentPlanner,
  graphProblems,
  latencyGoal,
  roundEnvironment,
  talkingRounds,
} from '../com-ddpg/index.ts'
import { costOfPlan, heft } from '../dag/index.ts'
import { playRounds, RandomStream, type RoundPolicy } from '../env/index.ts'
import { selfishDivision, selfishRounds } from '../heuristics/index.ts'
import { loadAgents, type TrainedAgents, trainedAgentsFolder } from './index.ts'

const FIRST_SEED = 8_100_000_000

const agents = async (name: TrainedAgents) => (await loadAgents(trainedAgentsFolder(name))).network

async function talking(name: TrainedAgents, messageLoss = 0): Promise<RoundPolicy> {
  const { shape, weights } = await agents(name)
  return talkingRounds(name, shape, weights, { messageLoss })
}

function mean(
  spec: Parameters<typeof roundEnvironment>[0],
  figure: string,
  policy: RoundPolicy,
  episodes: number,
) {
  const environment = roundEnvironment(spec)
  let sum = 0
  for (let at = 0; at < episodes; at++) sum += playRounds(environment, policy, FIRST_SEED + at)[figure]!
  return sum / episodes
}

// Few episodes: `npm run bench -- dag` has the figures with their intervals.
describe('agents that come with the package', () => {
  it('place graphs of eight users better by talking, than alone, than selfish ones, and with some messages lost, too', async () => {
    const latency = (policy: RoundPolicy) => mean({ env: 'dag', horizonS: 6 }, 'latencyS', policy, 8)
    const talk = latency(await talking('dag'))
    expect(talk).toBeLessThan(0.95 * latency(selfishRounds()))
    expect(talk).toBeLessThan(0.95 * latency(await talking('dag-silent')))
    expect(latency(await talking('dag', 0.3))).toBeLessThan(1.08 * talk)
    expect(latency(await talking('dag-four'))).toBeLessThan(1.08 * talk)
    expect(latency(await talking('dag-attention'))).toBeLessThan(1.15 * talk)
  }, 120_000)

  it('divide tasks that can be divided, and are done sooner than with whole ones', async () => {
    const spec = { env: 'dag', divisible: 1, horizonS: 6 } as const
    const { shape, weights } = await agents('dag-ratio')
    const latency = (policy: RoundPolicy) => mean(spec, 'latencyS', policy, 8)
    const divided = latency(await talking('dag-ratio'))
    expect(divided).toBeLessThan(0.97 * latency(await talking('dag')))
    expect(divided).toBeLessThan(0.97 * latency(talkingRounds('whole', shape, weights, { whole: true })))
    expect(divided).toBeLessThan(0.92 * latency(selfishDivision()))
  }, 120_000)

  it.each<TrainedAgents>(['herding', 'herding-silent'])(
    'do not run to the same fog: %s',
    async (name) => {
      expect(mean({ env: 'herding' }, 'dropRatio', await talking(name), 2)).toBeLessThan(0.05)
      expect(mean({ env: 'herding' }, 'dropRatio', selfishRounds(), 2)).toBeGreaterThan(0.1)
    },
    120_000,
  )

  it('plan single graphs never worse than HEFT, and better by one per cent in the mean', async () => {
    const planner = agentPlanner(await agents('graph'))
    const draw = graphProblems()
    let gain = 0
    for (let at = 0; at < 40; at++) {
      const problem = draw(new RandomStream(FIRST_SEED + at))
      const goal = latencyGoal(problem)
      const cost = (plan: ReturnType<typeof heft.plan>) =>
        costOfPlan(problem, plan, goal.weights, goal.reference)
      const ratio = cost(planner.plan(problem, goal)) / cost(heft.plan(problem, goal))
      expect(ratio).toBeLessThan(1 + 1e-9)
      gain += (1 - ratio) / 40
    }
    expect(gain).toBeGreaterThan(0.01)
  })
})
