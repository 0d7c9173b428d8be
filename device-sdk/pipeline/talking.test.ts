import { type AgentsNetwork, initialActor, ROW } from '@isthmus/policies/com-ddpg'
import { RandomStream } from '@isthmus/policies/env'
import { type BodyFields, encodeMessage, serverKey, topic } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import type { Transport, TransportHandlers } from '../transport.ts'
import type { PipelineAnswer } from './answer.ts'
import { PipelineWorld } from './pipeline-world.test.kit.ts'
import { type Talking, talking } from './talking.ts'

/** Agents that nobody trained, whose choice depends on what they hear. */
function randomAgents(seed: number): AgentsNetwork {
  const shape = { row: ROW, hidden: 12, message: 6, heard: 6, communication: 'bidirectional' } as const
  const random = new RandomStream(seed)
  const weights = initialActor(shape, random, 3)
  weights.set(
    'output.weight',
    weights.get('output.weight')!.map(() => 0.3 * random.normal()),
  )
  return { shape, weights }
}

/** A device in a world of its own, with an end of what all devices of the site hear. */
interface Camera {
  readonly world: PipelineWorld
  readonly talk: Talking
  receive(name: string, packet: Uint8Array): void
}

class Site {
  readonly cameras = new Map<string, Camera>()
  /** Whether this message does not come through. */
  lose: (from: string, to: string) => boolean = () => false

  async join(id: string, agents = randomAgents(1)): Promise<Camera> {
    let talk!: Talking
    const world = await PipelineWorld.create({ policy: { place: (seen) => talk.policy.place(seen) } })
    let handlers!: TransportHandlers
    const air: Transport = {
      start: (given) => (handlers = given),
      subscribe: () => {},
      publish: (name, packet) => {
        this.send(name, packet)
        return true
      },
      close: async () => {},
    }
    talk = talking({ agents, site: 'yard', id, boot: 1, clock: world.clock, perSecond: 20 })
    talk.tells.over(air).start({ onOnline: () => {}, onOffline: () => {}, onMessage: () => {} })
    handlers.onOnline()
    const camera = { world, talk, receive: handlers.onMessage }
    this.cameras.set(id, camera)
    return camera
  }

  send(name: string, packet: Uint8Array): void {
    const from = name.split('/')[3]!
    for (const [to, { receive }] of this.cameras) if (!this.lose(from, to)) receive(name, packet)
  }
}

const dataOf = ({ outputs }: PipelineAnswer) =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]))

/** A run, its answer looked at: right, and in time. */
async function runs({ world }: Camera): Promise<PipelineAnswer> {
  const answer = await world.run()
  expect(dataOf(answer)).toEqual(world.expected())
  expect(answer.late).toBe(false)
  expect(world.device.stats.policyFailures).toBe(0)
  expect(answer.reason).toMatch(/^agents: /)
  return answer
}

const tell = (id: string, sequence: number, network: number, value: number): [string, Uint8Array] => [
  topic('yard', id, 'tell'),
  encodeMessage({
    envelope: { boot: 1, sequence },
    body: {
      ...{ kind: 'tell', network, servers: [serverKey('edge')], allowed: 3 },
      sent: new Uint8Array(6).fill(value),
      deciding: new Uint8Array(12).fill(-value),
    },
  }),
]

describe('devices that decide together', () => {
  it('hear each other, and answer in time and rightly', async () => {
    const site = new Site()
    const [a, b] = [await site.join('cam-a'), await site.join('cam-b')]
    for (let n = 0; n < 10; n++) for (const camera of [a, b]) await runs(camera)
    for (const { talk } of [a, b]) {
      const { heard, told, malformed, foreign, unreadable } = talk.stats()
      expect([heard > 0, told > 0]).toEqual([true, true])
      expect([malformed, foreign, unreadable]).toEqual([0, 0, 0])
    }
  })

  it('decide as if alone when every message is lost, and go on however many are', async () => {
    const lonely = await new Site().join('cam-b')
    const site = new Site()
    const [a, b] = [await site.join('cam-a'), await site.join('cam-b')]
    site.lose = () => true
    for (let n = 0; n < 5; n++) {
      await runs(a)
      const [one, other] = [await runs(b), await runs(lonely)]
      expect(one.placement).toEqual(other.placement)
      expect(one.reason).toMatch(/0 others heard/)
    }
    const random = new RandomStream(4)
    site.lose = () => random.uniform() < 0.6
    for (let n = 0; n < 30; n++) for (const camera of [a, b]) await runs(camera)
    expect(b.talk.stats().heard).toBeGreaterThan(0)
  })

  it('forget one that died in the middle of a round', async () => {
    const site = new Site()
    const [a, b] = [await site.join('cam-a'), await site.join('cam-b')]
    // Of what it tells, that it decides is the last to be heard.
    let messages = 0
    site.lose = (from) => from === 'cam-a' && messages++ > 1
    await runs(a)
    site.cameras.delete('cam-a')
    expect(b.talk.stats().peers).toBe(1)
    expect((await runs(b)).reason).toMatch(/1 other heard/)
    await b.world.clock.advance(1001)
    expect((await runs(b)).reason).toMatch(/0 others heard/)
  })

  it('are not stopped by one that floods and lies', async () => {
    const site = new Site()
    const b = await site.join('cam-b')
    const network = b.talk.network
    const random = new RandomStream(6)
    for (let n = 1; n < 400; n++) {
      for (let k = 0; k < 10; k++) site.send(...tell('cam-x', 10 * n + k, network, random.between(-128, 128)))
      site.send(
        topic('yard', 'cam-y', 'tell'),
        Uint8Array.from({ length: 90 }, () => random.between(0, 256)),
      )
      if (n % 20 === 0) await runs(b)
      else await b.world.clock.advance(3)
    }
    const { flooded, unreadable, heard } = b.talk.stats()
    expect(flooded).toBeGreaterThan(1000)
    expect(unreadable).toBeGreaterThan(50)
    expect(heard).toBeGreaterThan(50)
  })

  it('with other agents do not understand each other', async () => {
    const site = new Site()
    const [a, b] = [await site.join('cam-a', randomAgents(1)), await site.join('cam-b', randomAgents(2))]
    await runs(a)
    expect(b.talk.stats()).toMatchObject({ peers: 0, foreign: a.talk.stats().told })
    expect(b.talk.stats().foreign).toBeGreaterThan(0)
    await runs(b)
  })
})

describe('bytes of a message', () => {
  it.each([
    [4, 107],
    [8, 173],
  ])('that speaks of %i servers', (servers, bytes) => {
    const body: BodyFields = {
      kind: 'tell',
      network: 0xdeadbeef,
      allowed: 2 ** (1 + servers) - 1,
      servers: Array.from({ length: servers }, (_, at) => serverKey(`edge-${at}`)),
      sent: new Uint8Array(6 * servers).fill(1),
      deciding: new Uint8Array(6 * (1 + servers)).fill(1),
    }
    const packet = encodeMessage({ envelope: { boot: 1, sequence: 1000, sentUs: 1 }, body })
    expect(packet.length).toBe(bytes)
  })
})
