import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type OffloadObservation, offloadObservation, RandomStream } from '../../env/index.ts'
import { heardWidth } from '../actor-shape.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { randomAgents } from './agents.test.kit.ts'
import { networkKey } from './network-key.ts'
import type { PeerLimits } from './peer-table.ts'
import { TalkingAgent } from './talking-agent.ts'
import { coded, decoded, saysNothing, type Told } from './told.ts'

const network = randomAgents(5)
const keys = [11, 22, 33]
const agentOf = (id: string, limits: PeerLimits = {}, of = network) =>
  new TalkingAgent({ id, network: of, random: new RandomStream(9), ...limits })

/** Something to decide; the servers are ever quicker, to the right. */
function something(places = 4, changes: Partial<OffloadObservation> = {}): OffloadObservation {
  const seen = offloadObservation(places)
  for (let place = 0; place < places; place++) {
    seen.executionS[place] = place === 0 ? 0.3 : 0.1 / place
    seen.transferS[place] = place === 0 ? 0 : 0.02
    seen.queueS[place] = 0.05 * place
  }
  return Object.assign(seen, changes)
}
const sent = Float64Array.of(0, 0.2, 0, 0.1)

/** Scores of a decision of an agent that has heard these. */
function scoresOf(heard: readonly (readonly [string, Told, number])[], nowMs = 0, servers = keys) {
  const agent = agentOf('m')
  for (const [from, told, atMs] of heard) expect(agent.hear(from, told, atMs)).toBe(true)
  agent.think(something(1 + servers.length), servers)
  agent.decide(nowMs)
  return [...agent.scores]
}
const alone = scoresOf([])
const deciding = agentOf('b').think(something(4, { sentS: sent }), keys)
const aside = agentOf('b').think(something(4, { sentS: sent, deciding: false }), keys)

describe('what is told', () => {
  it('is a byte a value, near what was meant', () => {
    const values = Float64Array.from({ length: 300 }, (_, at) => Math.sin(at))
    for (const [at, value] of decoded(coded(values)).entries())
      expect(Math.abs(value - values[at]!)).toBeLessThanOrEqual(0.5 / 127)
    expect([...coded(Float64Array.of(Number.NaN, 7, -7))]).toEqual([0, 127, -127])
    expect([...decoded(Int8Array.of(-128, -127, 127))]).toEqual([-1, -1, 1])
  })

  it('is both parts when it decides and has sent work, and nothing when there is nothing to say', () => {
    const width = network.shape.message
    expect([deciding.sent.length, deciding.deciding.length]).toEqual([3 * width, 4 * width])
    expect([aside.sent.length, aside.deciding.length]).toEqual([3 * width, 0])
    expect(aside.sent).toEqual(deciding.sent)
    expect(saysNothing(agentOf('b').think(something(4, { deciding: false }), keys))).toBe(true)
    const mute = agentOf('b', {}, randomAgents(5, { communication: 'none' }))
    expect(saysNothing(mute.think(something(4, { sentS: sent }), keys))).toBe(true)
  })

  it('names sixteen servers at most', () => {
    const many = Array.from({ length: 40 }, (_, at) => at)
    const told = agentOf('b').think(something(41), many)
    expect(told.servers).toHaveLength(16)
    expect(agentOf('a').hear('b', told, 0)).toBe(true)
  })
})

describe('what counts of what was heard', () => {
  it('changes the scores, and not those of one who heard nobody', () => {
    expect(scoresOf([['b', deciding, 0]])).not.toEqual(alone)
    expect(scoresOf([])).toEqual(alone)
  })

  it('is who decides now for some tens of ms, then what it has sent for a second, then nothing', () => {
    const now = scoresOf([['b', deciding, 0]], 50)
    const later = scoresOf([['b', deciding, 0]], 51)
    expect(now).toEqual(scoresOf([['b', deciding, 50]], 50))
    expect(later).not.toEqual(now)
    expect(later).toEqual(scoresOf([['b', aside, 51]], 51))
    expect(scoresOf([['b', deciding, 0]], 1000)).toEqual(later)
    expect(scoresOf([['b', deciding, 0]], 1001)).toEqual(alone)
  })

  it('is the latest of each, and nothing of one that has nothing to say any more', () => {
    expect(
      scoresOf([
        ['b', deciding, 0],
        ['b', aside, 0],
      ]),
    ).toEqual(scoresOf([['b', aside, 0]]))
    const nothing = { ...aside, sent: new Int8Array(0) }
    expect(
      scoresOf([
        ['b', deciding, 0],
        ['b', nothing, 0],
      ]),
    ).toEqual(alone)
  })

  it('goes by the ids, not by who came first', () => {
    const other = agentOf('x').think(something(4, { sentS: Float64Array.of(0, 0, 0.4, 0) }), keys)
    const one = scoresOf([
      ['b', deciding, 0],
      ['x', other, 0],
    ])
    expect(
      scoresOf([
        ['x', other, 0],
        ['b', deciding, 0],
      ]),
    ).toEqual(one)
    expect(
      scoresOf([
        ['x', deciding, 0],
        ['b', other, 0],
      ]),
    ).not.toEqual(one)
  })

  it('is not what it said itself', () => {
    const agent = agentOf('m')
    expect(agent.hear('m', deciding, 0)).toBe(false)
    expect(agent.peers(0)).toBe(0)
  })

  it('is what was sent to servers that have not published since', () => {
    const scores = (published: readonly number[], again: boolean) => {
      const agent = agentOf('m')
      agent.hear('b', aside, 0)
      for (const server of published) agent.published(server)
      if (again) agent.hear('b', aside, 0)
      agent.think(something(), keys)
      agent.decide(0)
      return [...agent.scores]
    }
    expect(scores([], false)).not.toEqual(alone)
    expect(scores(keys, false)).toEqual(alone)
    expect(scores([11], false)).not.toEqual(alone)
    expect(scores([11], false)).not.toEqual(scores([], false))
    expect(scores([99], false)).toEqual(scores([], false))
    expect(scores(keys, true)).toEqual(scores([], false))
  })
})

describe('servers', () => {
  it('go by key, whatever their order', () => {
    const turned = [33, 11, 22]
    const places = [0, 3, 1, 2]
    const seen = something(4, { sentS: sent })
    const view = offloadObservation(4)
    for (const field of ['executionS', 'transferS', 'queueS', 'sentS'] as const)
      for (const [place, from] of places.entries()) view[field][place] = seen[field][from]!
    // What tells agents apart is drawn by place: here it is the same for all places.
    const random = { between: () => 0.3 } as unknown as RandomStream
    const of = (servers: readonly number[], sight: OffloadObservation) =>
      new TalkingAgent({ id: 'b', network, random }).think(sight, servers)
    const [one, other] = [of(keys, seen), of(turned, view)]
    const expected = scoresOf([['b', one, 0]])
    for (const [at, score] of scoresOf([['b', other, 0]]).entries())
      expect(score).toBeCloseTo(expected[at]!, 9)
  })

  it('that the receiver does not know are left out, and those that the sender does not know are zeros', () => {
    const width = network.shape.message
    const less: Told = {
      ...aside,
      servers: [77, 33],
      sent: Int8Array.of(...Array(width).fill(99), ...aside.sent.subarray(2 * width)),
    }
    const zeros = aside.sent.map((value, at) => (at < 2 * width ? 0 : value))
    expect(scoresOf([['b', less, 0]])).toEqual(scoresOf([['b', { ...aside, sent: zeros }, 0]]))
    expect(scoresOf([['b', { ...aside, servers: [1, 2, 3] }, 0]])).toEqual(alone)
  })

  it('keep their memory when others come and go', () => {
    const [one, other] = [agentOf('m'), agentOf('m')]
    for (const agent of [one, other]) {
      agent.think(something(), keys)
      agent.decide(0)
    }
    other.think(something(2, { deciding: false }), [33])
    const decide = (agent: TalkingAgent) => {
      agent.think(something(2), [33])
      agent.decide(0)
      return agent.scores[1]
    }
    const fresh = agentOf('m')
    expect(decide(one)).not.toEqual(decide(fresh))
  })

  it('must be as many as places, each once', () => {
    const wrong = expect.objectContaining({ code: 'BAD_OBSERVATION' })
    expect(() => agentOf('m').think(something(3), keys)).toThrow(wrong)
    expect(() => agentOf('m').think(something(3), [1, 1])).toThrow(wrong)
    expect(() => agentOf('m').decide(0)).toThrow(wrong)
  })
})

describe('a peer', () => {
  it('that tells what is no message is ignored and counted, whatever it is', () => {
    const agent = agentOf('m')
    const { key, ...rest } = { key: networkKey(network), ...deciding }
    const bytes = fc.oneof(fc.int8Array({ maxLength: 40 }), fc.anything(), fc.constant(deciding.deciding))
    const almost = fc.record({
      network: fc.oneof(fc.constant(key), fc.anything()),
      servers: fc.oneof(fc.array(fc.oneof(fc.constantFrom(...keys), fc.anything())), fc.anything()),
      sent: bytes,
      deciding: bytes,
      allowed: fc.oneof(fc.nat(), fc.anything()),
    })
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.anything(), almost), (from, told) => {
        agent.hear(from, told as Told, 0)
        agent.think(something(), keys)
        expect(agent.decide(0)).toBeLessThan(4)
        expect(agent.scores.every(Number.isFinite)).toBe(true)
      }),
      { numRuns: 1000 },
    )
    const { malformed, foreign } = agent.counters
    expect(malformed).toBeGreaterThan(100)
    for (const [lie, which] of [
      [{ ...rest, network: key ^ 1 }, 'foreign'],
      [{ ...deciding, servers: [11, 11, 33] }, 'malformed'],
      [{ ...deciding, sent: deciding.sent.subarray(1) }, 'malformed'],
      [{ ...deciding, allowed: Number.NaN }, 'malformed'],
      [{ ...deciding, servers: [{ toString: 0 } as never, 22, 33] }, 'malformed'],
      [{ ...deciding, allowed: 1n as never }, 'malformed'],
      [{ ...deciding, deciding: new Float64Array(24).fill(Number.NaN) as never }, 'malformed'],
    ] as const)
      expect([agent.hear('b', lie, 0), which]).toEqual([false, which])
    expect(agent.counters.malformed - malformed).toBe(6)
    expect(agent.counters.foreign - foreign).toBe(1)
  })

  it('one too many is not heard until another has gone quiet', () => {
    const agent = agentOf('m', { mostPeers: 3 })
    for (const [at, from] of ['a', 'b', 'c'].entries()) agent.hear(from, aside, 10 * at)
    expect(agent.hear('d', aside, 900)).toBe(false)
    expect(agent.hear('a', aside, 900)).toBe(true)
    expect(agent.peers(900)).toBe(3)
    expect(agent.counters.crowded).toBe(1)
    expect(agent.hear('d', aside, 1011)).toBe(true)
    expect(agent.peers(1011)).toBe(3)
    expect(agent.hear('b', aside, 1011)).toBe(false)
  })

  it('that lies shifts scores within bounds that the weights give, and sends nothing where it may not run', () => {
    const bound = mostShift(network, 4)
    const int8 = (length: number) => fc.int8Array({ minLength: length, maxLength: length })
    const lie = fc.record({
      network: fc.constant(networkKey(network)),
      servers: fc.constant(keys),
      sent: int8(18),
      deciding: int8(24),
      allowed: fc.nat(15),
    })
    const agent = agentOf('m')
    fc.assert(
      fc.property(fc.array(lie, { maxLength: 4 }), fc.nat(3), (lies, forbidden) => {
        const quiet = agentOf('m')
        const seen = something()
        seen.allowed[forbidden] = 0
        for (const [at, told] of lies.entries()) expect(agent.hear(`cam-${at}`, told, 0)).toBe(true)
        const places = [agent, quiet].map((one) => {
          one.think(seen, keys)
          return one.decide(0)
        })
        expect(places).not.toContain(forbidden)
        for (const [place, score] of agent.scores.entries())
          expect(Math.abs(score - quiet.scores[place]!)).toBeLessThanOrEqual(bound)
      }),
    )
  })

  it('is heard of by no more than its limits, however many there are', () => {
    const agent = agentOf('m')
    for (let at = 0; at < 10_000; at++) agent.hear(`cam-${at}`, deciding, at / 1000)
    expect(agent.peers(10)).toBe(64)
    expect(agent.counters.crowded).toBe(10_000 - 64)
  })
})

/** By how much `peers` others can shift a score at most: what is heard is bounded, and so is what the weights make of it. */
function mostShift({ shape, weights }: AgentsNetwork, peers: number): number {
  const { hidden, heard, message } = shape
  const width = heardWidth(shape)
  // A state stays within ±1, claims are at most 1 each, values at most ±1 each.
  const side = [...Array(heard).fill(1), ...Array(width / 2 - heard).fill(peers)]
  expect(side).toHaveLength(heard + 1 + 2 * message)
  const shift = [...side, ...side]
  const [input, pooled, memory, out] = ['head.input', 'head.pooled', 'head.memory', 'output.weight'].map(
    (name) => weights.get(name)!,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array]
  let score = 0
  for (let unit = 0; unit < hidden; unit++) {
    let most = 0
    for (const [at, by] of shift.entries()) {
      const weight = (hidden + at) * hidden + unit
      most += by * (Math.abs(input[weight]!) + Math.abs(pooled[weight]!))
    }
    for (let at = 0; at < hidden; at++) most += 2 * Math.abs(memory[at * hidden + unit]!)
    score += most * Math.abs(out[unit]!)
  }
  return score
}

describe('a network', () => {
  it('has a key of its form and weights', () => {
    expect(networkKey(randomAgents(5))).toBe(networkKey(network))
    expect(networkKey(randomAgents(6))).not.toBe(networkKey(network))
    const { shape, weights } = randomAgents(5)
    weights.get('output.weight')![3]! += 1e-3
    expect(networkKey({ shape, weights })).not.toBe(networkKey(network))
  })

  it.each([
    ['no shape', (n) => ({ ...n, shape: undefined as never }), /no shape/],
    ['other rows', (n) => ({ ...n, shape: { ...n.shape, row: 3 } }), /rows have 3/],
    ['endless messages', (n) => ({ ...n, shape: { ...n.shape, message: 17 } }), /message is 17/],
    [
      'a width that is no number',
      (n) => ({ ...n, shape: { ...n.shape, hidden: Number.NaN } }),
      /hidden is NaN/,
    ],
    [
      'a communication of its own',
      (n) => ({ ...n, shape: { ...n.shape, communication: 'x' as never } }),
      /"x"/,
    ],
    ['too few weights', (n) => ({ ...n, weights: new Map([...n.weights].slice(1)) }), /encoder.weight/],
    [
      'a weight that is NaN',
      (n) => ({
        ...n,
        weights: new Map(n.weights).set('output.weight', new Float32Array(24).fill(Number.NaN)),
      }),
      /not finite/,
    ],
  ] as [string, (network: AgentsNetwork) => AgentsNetwork, RegExp][])(
    'with %s is refused',
    (_, spoil, why) => {
      const make = () => agentOf('m', {}, spoil(randomAgents(5)))
      expect(make).toThrow(expect.objectContaining({ code: 'BAD_POLICY' }))
      expect(make).toThrow(why)
    },
  )
})
