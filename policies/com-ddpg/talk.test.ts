import { describe, expect, it } from 'vitest'
import { playRounds, RandomStream } from '../env/index.ts'
import { Actor } from './actor.ts'
import { type Communication, heardWidth, initialActor } from './actor-shape.ts'
import type { AgentMessage } from './listener.ts'
import { ROW } from './offload-rows.ts'
import { roundEnvironment } from './problems.ts'
import { talkingRounds } from './talking-rounds.ts'

const PLACES = 4

function actorOf(communication: Communication) {
  const shape = { row: ROW, hidden: 8, message: 3, heard: 5, communication }
  const random = new RandomStream(5)
  const weights = initialActor(shape, random)
  for (const values of weights.values()) {
    for (let at = 0; at < values.length; at++) values[at]! += 0.4 * random.normal()
  }
  return { shape, weights, actor: new Actor(shape, weights) }
}

const messagesOf = (count: number): AgentMessage[] => {
  const random = new RandomStream(6)
  return Array.from({ length: count }, (_, at) => ({
    values: Float64Array.from({ length: PLACES * 3 }, () => random.between(-1, 1)),
    allowed: Uint8Array.from({ length: PLACES }, (_, place) =>
      place === 0 || random.uniform() < 0.8 ? 1 : 0,
    ),
    deciding: at !== 1,
  }))
}

const heardBy = (actor: Actor, messages: readonly AgentMessage[], at: number) => {
  const context = new Float64Array(PLACES * heardWidth(actor.shape))
  actor.listener.listen(messages[at]!, messages.slice(0, at), messages.slice(at + 1), PLACES, context)
  return context
}

describe('what agents hear', () => {
  it.each<Communication>(['bidirectional', 'attention', 'none'])(
    'is the same whether one listens or all do at once: %s',
    (communication) => {
      const { actor, shape } = actorOf(communication)
      const messages = messagesOf(5)
      const contexts = messages.map(() => new Float64Array(PLACES * heardWidth(shape)))
      actor.listener.listenAll(messages, PLACES, contexts)
      for (const [at, context] of contexts.entries()) {
        for (const [k, value] of heardBy(actor, messages, at).entries())
          expect(context[k]).toBeCloseTo(value, 12)
      }
    },
  )

  it('depends on the order of the others along the row of agents, and with attention it does not', () => {
    const first = messagesOf(5)
    const turned = [first[2]!, first[1]!, first[0]!, first[3]!, first[4]!]
    const apart = (communication: Communication) => {
      const { actor } = actorOf(communication)
      const before = heardBy(actor, first, 4)
      return Math.max(...heardBy(actor, turned, 4).map((value, at) => Math.abs(value - before[at]!)))
    }
    expect(apart('bidirectional')).toBeGreaterThan(1e-3)
    expect(apart('attention')).toBeLessThan(1e-12)
  })

  it('is nothing of another one’s own device', () => {
    for (const communication of ['bidirectional', 'attention'] as const) {
      const { actor } = actorOf(communication)
      const width = heardWidth(actor.shape)
      expect(
        heardBy(actor, messagesOf(3), 1)
          .subarray(0, width)
          .every((value) => value === 0),
      ).toBe(true)
    }
  })
})

describe('agents that talk', () => {
  const { shape, weights } = actorOf('bidirectional')
  const play = (policy: Parameters<typeof playRounds>[1], users: number) =>
    playRounds(roundEnvironment({ env: 'dag', users, servers: 2, horizonS: 2 }), policy, 3)

  it('play in any number, each time the same', () => {
    for (const users of [1, 3, 8]) {
      const policy = talkingRounds('agents', shape, weights)
      expect(play(policy, users)).toEqual(play(talkingRounds('again', shape, weights), users))
    }
  })

  it('decide as if alone when no message comes through', () => {
    const lost = play(talkingRounds('lost', shape, weights, { messageLoss: 1 }), 4)
    // What is not heard cannot count: the weights that make something of it may be anything.
    const deaf = new Map(weights)
    for (const name of weights.keys()) {
      if (/^(forward|backward)\./.test(name))
        deaf.set(
          name,
          weights.get(name)!.map(() => 0.5),
        )
    }
    expect(play(talkingRounds('deaf', shape, deaf, { messageLoss: 1 }), 4)).toEqual(lost)
    expect(play(talkingRounds('heard', shape, weights), 4)).not.toEqual(lost)
  })
})
