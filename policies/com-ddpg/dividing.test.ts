import { describe, expect, it } from 'vitest'
import { DagRounds, playRounds, RandomStream } from '../env/index.ts'
import { selfishDivision } from '../heuristics/round-rules.ts'
import { Actor } from './actor.ts'
import { initialActor } from './actor-shape.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { dagScenario } from './dag-scenario.ts'
import { runDdpg } from './ddpg-stage.ts'
import { Dividing, DividingCosts } from './dividing.test.kit.ts'
import { runImitation } from './imitation-stage.ts'
import { DIVISION_ROW } from './offload-rows.ts'
import { inRounds, roundProblem } from './problems.ts'
import { ddpgStage } from './recipe.ts'
import type { ComDdpgContext } from './stage.ts'
import { Talk, type TalkOptions } from './talk.ts'
import { talkingRounds } from './talking-rounds.ts'

const shape = {
  row: DIVISION_ROW,
  hidden: 12,
  message: 4,
  heard: 4,
  communication: 'bidirectional',
  ratio: true,
} as const
const first: AgentsNetwork = { shape, weights: initialActor(shape, new RandomStream(3)) }

describe('agents that divide tasks', () => {
  const problem = inRounds('dividing', 'cost', () => new Dividing(), new DividingCosts() as never, true)
  const context: ComDdpgContext = {
    problem,
    sequence: { steps: 4, sequences: 16, agents: 2, places: 2 },
    burnIn: 0,
    messageLoss: 0,
    seed: 1,
    threads: 1,
    checkAborted() {},
    async endOfRound() {},
  }
  const costOf = (who: AgentsNetwork | string) => problem.judge(who, 2e9, 20)
  const rounds = { rounds: 40, episodes: 4, steps: 20, memory: 100, rate: 0.01 }

  it('learn which share is best from one who knows, and the same from the same seed', async () => {
    const learn = () =>
      runImitation({ kind: 'imitation', ...rounds, rounds: 15, spread: 0.05 }, first, context)
    const agents = await learn()
    expect(costOf('selfish')).toBeGreaterThan(0.25)
    expect(costOf('central')).toBeCloseTo(0.1, 9)
    expect(costOf(agents)).toBeLessThan(0.105)
    expect((await learn()).weights).toEqual(agents.weights)
  }, 120_000)

  it('learn it from costs alone: the ratio goes up the critic that sees it', async () => {
    const stage = {
      ...ddpgStage,
      ...rounds,
      options: { discount: 0, temperature: 1, actorRate: 1 },
      criticRounds: 8,
      targetRate: 0.05,
      ratioNoise: 0.3,
    }
    expect(costOf(await runDdpg(stage, first, context))).toBeLessThan(0.13)
  }, 120_000)
})

describe('agents of users whose tasks can be divided', () => {
  const sizes = { users: 3, servers: 2, horizonS: 2 }
  const make = (divisible: number) =>
    new DagRounds({ ...sizes, scenario: dagScenario({ ...sizes, divisible }), publishEvery: 25 })
  const play = (options: TalkOptions, divisible = 1) =>
    playRounds(make(divisible), talkingRounds('agents', shape, first.weights, options), 5)

  it('begin by dividing each task as is best on its face', () => {
    const { latencyS } = playRounds(make(1), selfishDivision(), 5)
    expect(play({}).latencyS / latencyS).toBeCloseTo(1, 2)
    expect(play({ whole: true }).latencyS).toBeGreaterThan(1.02 * latencyS)
  })

  it('say so of tasks that can be divided only, and keep whole what they are told to', () => {
    const sent = (divisible: number, options: TalkOptions = {}) => {
      const environment = make(divisible)
      const talk = new Talk(new Actor(shape, first.weights), environment, options)
      const actions = new Int32Array(sizes.users)
      const shares = new Float64Array(sizes.users)
      const all: number[] = []
      environment.reset(1)
      talk.begin(1)
      while (!environment.over) {
        talk.decide(environment, actions, shares.fill(1))
        for (let agent = 0; agent < sizes.users; agent++)
          if (environment.acting[agent] === 1) all.push(shares[agent]!)
        environment.step(actions, shares)
      }
      return all
    }
    expect(new Set(sent(0))).toEqual(new Set([1]))
    expect(new Set(sent(0, { ratioNoise: 0.2 }))).toEqual(new Set([1]))
    expect(new Set(sent(1)).size).toBeGreaterThan(20)
    expect(sent(1, { whole: true }).every((share) => share === 0 || share === 1)).toBe(true)
    const noisy = sent(1, { ratioNoise: 0.5 })
    expect(Math.min(...noisy)).toBe(0)
    expect(noisy).not.toEqual(sent(1))
  })

  it('are written down with what they and their teacher would send, of tasks that can be divided', () => {
    const problem = roundProblem({ env: 'dag', ...sizes, divisible: 0.5 })
    expect(problem.row).toBe(DIVISION_ROW)
    const record = problem.record(new Actor(shape, first.weights), 4, { acts: 'agents', taught: true })
    const { divisible, ratios, taughtRatios } = record.division!
    const places = sizes.servers + 1
    const whole: number[] = []
    const divided: number[] = []
    for (const [at, acts] of record.acting.entries()) {
      if (acts === 0) continue
      const own = ratios.subarray(at * places + 1, (at + 1) * places)
      ;(divisible[at] === 1 ? divided : whole).push(...own)
      expect(taughtRatios[at * places]).toBe(1)
    }
    expect(new Set(whole)).toEqual(new Set([1]))
    expect(divided.some((ratio) => ratio < 0.9)).toBe(true)
    expect(taughtRatios.some((ratio) => ratio > 0.1 && ratio < 0.9)).toBe(true)
  })
})
