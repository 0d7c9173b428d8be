import { describe, expect, it } from 'vitest'
import { DagRounds, offloadObservation, RandomStream } from '../../env/index.ts'
import { Actor } from '../actor.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { dagScenario } from '../dag-scenario.ts'
import { Talk } from '../talk.ts'
import { randomAgents } from './agents.test.kit.ts'
import { TalkingAgent } from './talking-agent.ts'
import type { Told } from './told.ts'

const USERS = 8
const SERVERS = 4
const keys = Array.from({ length: SERVERS }, (_, at) => 0x1000 + at)
const idOf = (agent: number) => `cam-${agent}`

/**
 * Plays an episode by the agents of the simulation, and beside them as many served ones that tell each other bytes. Returns the
 * share of decisions in which both chose the same place.
 */
function sameChoices(network: AgentsNetwork, seed: number, deaf = false) {
  const scenario = dagScenario({ users: USERS, servers: SERVERS, horizonS: 10 })
  const rounds = new DagRounds({ scenario, users: USERS, servers: SERVERS, publishEvery: 25 })
  rounds.reset(seed)
  const talk = new Talk(new Actor(network.shape, network.weights), rounds)
  talk.begin(seed)
  // One stream for all, drawn from in the order of the simulation.
  const random = new RandomStream(seed, 0x74616c6b)
  const agents = Array.from({ length: USERS }, (_, at) => new TalkingAgent({ id: idOf(at), network, random }))
  const spoke = new Uint8Array(USERS)
  const seen = offloadObservation(rounds.places)
  const actions = new Int32Array(USERS)
  let decisions = 0
  let same = 0
  while (!rounds.over) {
    talk.decide(rounds, actions)
    const nowMs = rounds.nowS * 1000
    for (const [at, agent] of agents.entries()) {
      if (rounds.speaking[at] === 0 && spoke[at] === 0) continue
      const nothing = { network: agent.network, servers: keys, allowed: 0 }
      let told: Told = { ...nothing, sent: new Int8Array(0), deciding: new Int8Array(0) }
      if (rounds.speaking[at] === 1) {
        rounds.observe(at, seen)
        told = agent.think(seen, keys)
      }
      spoke[at] = rounds.speaking[at]!
      if (!deaf) for (const other of agents) other.hear(agent.id, told, nowMs)
    }
    for (const [at, agent] of agents.entries()) {
      if (rounds.acting[at] === 0) continue
      decisions++
      if (agent.decide(nowMs) === actions[at]) same++
    }
    rounds.step(actions)
  }
  return { decisions, share: same / decisions }
}

describe('served agents choose as those of the simulation do, though they tell bytes', () => {
  it.each(['bidirectional', 'attention'] as const)('%s', (communication) => {
    const { decisions, share } = sameChoices(randomAgents(1, { communication }), 1)
    expect(decisions).toBeGreaterThan(500)
    expect(share).toBeGreaterThanOrEqual(0.99)
  })

  it('and not when they hear nothing', () => {
    expect(sameChoices(randomAgents(1), 1, true).share).toBeLessThan(0.9)
  })
})
