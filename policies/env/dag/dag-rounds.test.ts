import { describe, expect, it } from 'vitest'
import { dagScenario } from '../../com-ddpg/dag-scenario.ts'
import { allLocalReference, costOf, outcomeOf, type TaskGraph, timelineOf } from '../../dag/index.ts'
import { randomRounds, selfishRounds } from '../../heuristics/index.ts'
import { centralRule, offloadObservation, playRounds, type RoundPolicy } from '../rounds/index.ts'
import { DagCosts, DagRounds } from './index.ts'

const users = 4
const servers = 2
const scenario = dagScenario({ users, servers, horizonS: 3 })
const make = () => new DagRounds({ scenario, users, servers })

const chain: TaskGraph = {
  tasks: [
    { id: 'a', cycles: 1e9, inputBits: 1e6 },
    { id: 'b', cycles: 2e9, after: [{ task: 'a', bits: 2e6 }], outputBits: 1e6 },
  ],
}

/** One user, one server of 10 GHz, 10 Mbit/s up and 20 down. */
const single = (jobs: number) =>
  new DagRounds({
    users: 1,
    servers: 1,
    publishEvery: 1,
    scenario: () => ({
      platform: {
        devices: [{ name: 'd', cyclesPerS: 1e9, cycleJ: 1e-9, transmitW: 1, idleW: 0.1 }],
        servers: [{ name: 's', cyclesPerS: 1e10, cycleJ: 2e-9 }],
        uplinkBps: [[1e7]],
        downlinkBps: [[2e7]],
        betweenServersBps: 1e9,
      },
      jobs: Array.from({ length: jobs }, () => ({ graph: chain, device: 0, arrivalS: 0 })),
    }),
  })

const always = (place: number): RoundPolicy => ({
  name: `place ${place}`,
  begin() {},
  decide: (_, actions) => actions.fill(place),
})

describe('graphs of several users, round by round', () => {
  it.each([
    ['random', randomRounds()],
    ['selfish', selfishRounds()],
    ['central', centralRule(new DagCosts()) as RoundPolicy],
  ])('run every task once, after all that it waits for, one at a time on a host: %s', (_, policy) => {
    const environment = make()
    for (const seed of [1, 2]) {
      playRounds(environment, policy, seed)
      const { problem, queues } = environment
      const { plan } = environment.schedule()
      const { startS, finishS } = queues
      expect(new Set(plan.sequence).size).toBe(problem.tasks)
      for (let task = 0; task < problem.tasks; task++) {
        const on = plan.host[task]!
        expect(finishS[task]! - startS[task]!).toBeCloseTo(problem.executionS[task * problem.hosts + on]!, 9)
        expect(startS[task]).toBeGreaterThanOrEqual(problem.arrivalS[problem.jobOf[task]!]!)
        for (let edge = problem.firstIn[task]!; edge < problem.firstIn[task + 1]!; edge++) {
          const from = problem.source[edge]!
          const wayS = problem.inBits[edge]! * problem.bitS[plan.host[from]! * problem.hosts + on]!
          expect(startS[task]! - finishS[from]! + 1e-9).toBeGreaterThan(wayS)
        }
      }
      for (let host = 0; host < problem.hosts; host++) {
        const own = [...plan.host.keys()].filter((task) => plan.host[task] === host)
        own.sort((a, b) => startS[a]! - startS[b]!)
        for (let at = 1; at < own.length; at++) {
          expect(startS[own[at]!]! + 1e-9).toBeGreaterThan(finishS[own[at - 1]!]!)
        }
      }
    }
  })

  it('are scored as every scheduler is, and the same plan without rounds is no slower', () => {
    const environment = make()
    const summary = playRounds(environment, selfishRounds(), 5)
    const { problem, queues } = environment
    const { plan, outcome } = environment.schedule()
    expect(outcome).toEqual(outcomeOf(problem, plan, queues))
    expect(summary.cost).toBeCloseTo(costOf(outcome, { latency: 1 }, allLocalReference(problem)), 12)
    const started = {
      ...plan,
      sequence: plan.sequence.toSorted((a, b) => queues.startS[a]! - queues.startS[b]!),
    }
    const atOnce = outcomeOf(problem, started, timelineOf(problem, started))
    expect(atOnce.latencyS).toBeLessThanOrEqual(outcome.latencyS + 1e-9)
  })

  it('take as long as can be worked out by hand, and pay for it', () => {
    const local = single(1)
    expect(playRounds(local, always(0), 0)).toMatchObject({ latencyS: 3, energyJ: 3 })
    const remote = single(1)
    // 0.1 s up, 0.1 s of work, b decided in the round of 0.2 s, 0.2 s of work, 0.05 s down.
    const { latencyS, energyJ } = playRounds(remote, always(1), 0)
    expect(latencyS).toBeCloseTo(0.45, 9)
    expect(energyJ).toBeCloseTo(6 + 0.1 + 0.3 * 0.1, 9)
  })

  it('tell of each decision once, and what it cost', () => {
    const environment = make()
    environment.reset(3)
    const random = randomRounds()
    random.begin(environment, 3)
    const actions = new Int32Array(users)
    const shares = new Float64Array(users).fill(1)
    const open = new Set<string>()
    while (!environment.over) {
      for (let agent = 0; agent < users; agent++) {
        if (environment.acting[agent] === 1) open.add(`${agent} ${environment.round}`)
      }
      random.decide(environment, actions, shares)
      environment.step(actions)
      const { count, agent, round, cost } = environment.outcomes
      for (let at = 0; at < count; at++) {
        expect(open.delete(`${agent[at]} ${round[at]}`)).toBe(true)
        expect(cost[at]).toBeGreaterThan(0)
      }
    }
    expect(open.size).toBe(0)
  })

  it('show what a user sent and the published loads do not count', () => {
    const environment = single(3)
    environment.reset(0)
    const seen = offloadObservation(2)
    environment.observe(0, seen)
    expect([seen.publishedS[1], seen.sentS[1]]).toEqual([0, 0])
    environment.step([1])
    environment.observe(0, seen)
    // Published anew, but the input is still on its way.
    expect(seen.sentS[1]).toBeCloseTo(0.1, 9)
    expect(environment.speaking[0]).toBe(1)
  })

  it('play the same from the same seed', () => {
    const play = () => playRounds(make(), randomRounds(), 9)
    expect(play()).toEqual(play())
  })

  it('refuse places that are none, and go no further than the end', () => {
    const environment = single(1)
    expect(() => environment.step([0])).toThrow(expect.objectContaining({ code: 'EPISODE_OVER' }))
    environment.reset(0)
    for (const place of [2, -1, 0.5, Number.NaN]) {
      expect(() => environment.step([place])).toThrow(expect.objectContaining({ code: 'BAD_ACTION' }))
    }
    while (!environment.over) environment.step([0])
    expect(() => environment.step([0])).toThrow(expect.objectContaining({ code: 'EPISODE_OVER' }))
  })

  it.each([
    [{ users: 0 }, 'users'],
    [{ servers: 1.5 }, 'servers'],
    [{ roundS: 0 }, 'roundS'],
    [{ publishEvery: Number.NaN }, 'publishEvery'],
  ])('refuse %j and name the field', (options, field) => {
    expect(() => new DagRounds({ scenario, users, servers, ...options })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})
