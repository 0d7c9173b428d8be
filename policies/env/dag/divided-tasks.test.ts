import { describe, expect, it } from 'vitest'
import { dagScenario } from '../../com-ddpg/dag-scenario.ts'
import { outcomeOf, timelineOf } from '../../dag/index.ts'
import {
  localRounds,
  randomRounds,
  selfishDivision,
  selfishRounds,
  serverRounds,
} from '../../heuristics/index.ts'
import { RandomStream } from '../random-stream.ts'
import { centralRule, offloadObservation, playRounds, type RoundPolicy } from '../rounds/index.ts'
import { DagCosts, DagRounds } from './index.ts'

const users = 4
const servers = 2
const make = (divisible = 1) =>
  new DagRounds({ scenario: dagScenario({ users, servers, horizonS: 3, divisible }), users, servers })
const central = (divide: boolean) => centralRule(new DagCosts(), { divide }) as RoundPolicy

/** Any place, any share. */
function anyDivision(): RoundPolicy {
  const random = new RandomStream(0)
  const places = randomRounds()
  return {
    name: 'random',
    begin(environment, seed) {
      random.seed(seed)
      places.begin(environment, seed)
    },
    decide(environment, actions, shares) {
      places.decide(environment, actions, shares)
      for (let agent = 0; agent < shares.length; agent++) shares[agent] = random.uniform()
    },
  }
}

/** One user with a task of a second on the device and a quarter on the server, 0.5 s to send it. */
const single = (divisible = true) =>
  new DagRounds({
    users: 1,
    servers: 1,
    publishEvery: 1,
    scenario: () => ({
      platform: {
        devices: [{ name: 'd', cyclesPerS: 1e9, cycleJ: 1e-9, transmitW: 1, idleW: 0 }],
        servers: [{ name: 's', cyclesPerS: 4e9, cycleJ: 2e-9 }],
        uplinkBps: [[1e7]],
        downlinkBps: [[2e7]],
        betweenServersBps: 1e9,
      },
      jobs: [
        {
          graph: { tasks: [{ id: 'a', cycles: 1e9, inputBits: 5e6, divisible }] },
          device: 0,
          arrivalS: 0,
        },
      ],
    }),
  })

const sharing = (share: number): RoundPolicy => ({
  name: `${share}`,
  begin() {},
  decide: (_, actions, shares) => {
    actions.fill(1)
    shares.fill(share)
  },
})

describe('tasks that are divided', () => {
  it('end when both parts have, and cost the energy of both', () => {
    // 0.4: 0.2 s up and 0.1 s of work, beside 0.6 s on the device.
    const { latencyS, energyJ } = playRounds(single(), sharing(0.4), 0)
    expect(latencyS).toBeCloseTo(0.6, 9)
    expect(energyJ).toBeCloseTo(0.6 + 0.8 + 0.2, 9)
    // The best: 0.75 r = 1 − r.
    expect(playRounds(single(), selfishDivision(), 0).latencyS).toBeCloseTo(0.75 / 1.75, 9)
    expect(playRounds(single(), central(true), 0).latencyS).toBeCloseTo(0.75 / 1.75, 9)
  })

  it.each([
    [1, 0.75],
    [0.99, 0.75],
    [0.01, 1],
    [0, 1],
  ])('are whole with a share of %d', (share, latencyS) => {
    expect(playRounds(single(), sharing(share), 0).latencyS).toBeCloseTo(latencyS, 9)
  })

  it('are only those that can be', () => {
    expect(playRounds(single(false), sharing(0.4), 0).latencyS).toBeCloseTo(0.75, 9)
    const seen = offloadObservation(2)
    const environment = single(false)
    environment.reset(0)
    environment.observe(0, seen)
    expect(seen.divisible).toBe(false)
    expect(playRounds(make(0), anyDivision(), 3)).toEqual(playRounds(make(0), randomRounds(), 3))
  })

  it.each([-0.1, 1.1, Number.NaN])('are not by a share of %d', (share) => {
    const environment = single()
    environment.reset(0)
    expect(() => environment.step([1], [share])).toThrow(expect.objectContaining({ code: 'BAD_ACTION' }))
  })

  it.each([
    ['random', anyDivision()],
    ['selfish', selfishDivision()],
    ['central', central(true)],
  ])('run one part at a time on each host, after all that they need has come: %s', (_, policy) => {
    const environment = make()
    playRounds(environment, policy, 2)
    const { problem, queues } = environment
    const { plan, outcome } = environment.schedule()
    const divided = [...plan.share!.keys()].filter((task) => plan.share![task]! < 1)
    expect(divided.length).toBeGreaterThan(20)
    const { tasks, hosts, firstServer, executionS, jobOf, deviceOf } = problem
    const busy: (readonly [host: number, startS: number, finishS: number])[] = []
    for (let task = 0; task < tasks; task++) {
      const share = plan.share![task]!
      const device = deviceOf[jobOf[task]!]!
      const parts = [
        [task, plan.host[task]!, share],
        [tasks + task, device, 1 - share],
      ] as const
      for (const [part, host, of] of parts) {
        if (of === 0) continue
        const [start, finish] = [queues.startS[part]!, queues.finishS[part]!]
        expect(finish - start).toBeCloseTo(of * executionS[task * hosts + host]!, 9)
        busy.push([host, start, finish])
      }
      if (share < 1) expect(plan.host[task]).toBeGreaterThanOrEqual(firstServer)
      for (let edge = problem.firstIn[task]!; edge < problem.firstIn[task + 1]!; edge++) {
        const from = problem.source[edge]!
        const ended = plan.share![from]! < 1 ? queues.finishS[tasks + from]! : 0
        expect(queues.startS[task]! + 1e-9).toBeGreaterThan(Math.max(queues.finishS[from]!, ended))
      }
    }
    busy.sort(([a, s], [b, t]) => a - b || s - t)
    for (let at = 1; at < busy.length; at++) {
      if (busy[at]![0] === busy[at - 1]![0]) expect(busy[at]![1] + 1e-9).toBeGreaterThan(busy[at - 1]![2])
    }
    // The one cost model says the same of the plan, but for the waits until the next round.
    const atOnce = outcomeOf(problem, plan, timelineOf(problem, plan))
    expect(outcome.energyJ).toBeCloseTo(atOnce.energyJ, 6)
    expect(outcome.latencyS).toBeGreaterThan(0.2 * atOnce.latencyS)
  })

  it('cost less than whole ones, by each rule, on graphs that are otherwise the same', () => {
    const mean = (policy: RoundPolicy, divisible = 1) => {
      let sum = 0
      for (const seed of [1, 2, 3, 4]) sum += playRounds(make(divisible), policy, seed).latencyS / 4
      return sum
    }
    for (const [divided, whole] of [
      [selfishDivision(), selfishRounds()],
      [central(true), central(false)],
    ] as const) {
      expect(mean(divided)).toBeLessThan(mean(whole))
      expect(mean(whole)).toBe(mean(whole, 0))
      expect(mean(divided, 0)).toBe(mean(whole))
    }
    expect(mean(localRounds())).toBeGreaterThan(mean(selfishRounds()))
    expect(mean(serverRounds())).toBeGreaterThan(mean(central(true)))
  })

  it('tell of each decision once, and what it cost', () => {
    const environment = make(0.5)
    const policy = anyDivision()
    environment.reset(3)
    policy.begin(environment, 3)
    const actions = new Int32Array(users)
    const shares = new Float64Array(users)
    const open = new Set<string>()
    while (!environment.over) {
      for (let agent = 0; agent < users; agent++)
        if (environment.acting[agent] === 1) open.add(`${agent} ${environment.round}`)
      policy.decide(environment, actions, shares)
      environment.step(actions, shares)
      const { count, agent, round, cost } = environment.outcomes
      for (let at = 0; at < count; at++) {
        expect(open.delete(`${agent[at]} ${round[at]}`)).toBe(true)
        expect(cost[at]).toBeGreaterThan(0)
      }
    }
    expect(open.size).toBe(0)
  })
})
