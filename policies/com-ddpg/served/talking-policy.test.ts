import { describe, expect, it } from 'vitest'
import { offloadObservation, RandomStream } from '../../env/index.ts'
import { type PlacementView, placementProblem } from '../../pipeline/index.ts'
import { row, sketch } from '../../pipeline/pipeline.test.kit.ts'
import { initialActor } from '../actor-shape.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { DIVISION_ROW } from '../offload-rows.ts'
import { randomAgents, shape } from './agents.test.kit.ts'
import { TalkingAgent } from './talking-agent.ts'
import { TalkingPolicy } from './talking-policy.ts'
import { saysNothing, type Told } from './told.ts'

const EDGE = 0xed6e
/** Takes what is best on its face. */
const plain: AgentsNetwork = { shape, weights: initialActor(shape, new RandomStream(1)) }
const link = { rateBps: 8e6, rttMs: 4, spreadMs: 1 }

/** A device; `place` places one run. */
function device(network = plain, id = 'm') {
  const told: Told[] = []
  const agent = new TalkingAgent({ id, network, random: new RandomStream(3) })
  const policy = new TalkingPolicy({ agent, servers: [EDGE], tell: (message) => told.push(message) })
  const place = (changes: Partial<PlacementView> = {}, { nowMs = 0, waitMs = 0, deadlineMs = 100 } = {}) => {
    const view = {
      pipeline: row,
      deviceMs: [10, 20, 30],
      edgeMs: [1, 2, 3],
      link,
      edgeWaitMs: waitMs,
      ...changes,
    }
    const problem = placementProblem(view)
    const load = { queued: 0, busy: 0, workers: 1, waitMs }
    return policy.place({ nowMs, deadlineMs, pipeline: view.pipeline, problem, link: view.link, load })
  }
  return { agent, policy, told, place }
}
const hosts = (word: string) => [...word].map((letter) => (letter === 'e' ? 'edge' : 'device'))

describe('an agent places stages', () => {
  it('where they are done first, as far as it can see', () => {
    expect(device().place().hosts).toEqual(hosts('eee'))
    expect(device().place({ link: { ...link, rttMs: 500 } }).hosts).toEqual(hosts('ddd'))
    expect(device().place({}, { waitMs: 90 }).hosts).toEqual(hosts('ddd'))
    expect(device().place({ link: undefined }).hosts).toEqual(hosts('ddd'))
    expect(device().place().expectedMs).toBeCloseTo(4 + 6 + (8000 * 440) / 8e6 + 1, 6)
    expect(device().place().reason).toMatch(/^agents: 3 of 3 stages on the server, 11\.4 ms, 0 others heard$/)
  })

  it('as they become ready, each seeing what those before it chose', () => {
    const branches = sketch(
      [
        { id: 'a', reads: ['input'] },
        { id: 'b', reads: ['input'] },
        { id: 'c', reads: ['input'] },
        { id: 'd', reads: ['a', 'b', 'c'] },
      ],
      ['d'],
    )
    const view = { pipeline: branches, deviceMs: [10, 10, 10, 10], edgeMs: [14, 14, 14, 14] }
    const placed = device().place(view).hosts
    expect(placed.slice(0, 3).toSorted()).toEqual(['device', 'device', 'edge'])
  })

  it('where they may run, and where the user wants them', () => {
    expect(device().place({ fixed: ['device', undefined, 'device'] }).hosts).toEqual(hosts('ded'))
    expect(device().place({ edgeMs: [undefined, undefined, 3] }).hosts).toEqual(hosts('dde'))
    expect(device().place({ deviceMs: [10, undefined, 30], link: { ...link, rttMs: 900 } }).hosts[1]).toBe(
      'edge',
    )
    expect(device().place({ largestBytes: 399 }).hosts[0]).toBe('device')
  })

  it.each([
    ['a server that says it takes an hour', { edgeMs: [4294967, 4294967, 4294967] }],
    ['a server whose queue has no end', { edgeWaitMs: 4294967 }],
    ['times that are no numbers', { edgeMs: [Number.NaN, -1, Number.POSITIVE_INFINITY] }],
    ['a wait that is no number', { edgeWaitMs: Number.NaN }],
    ['a link that stands still', { link: { rateBps: 0, rttMs: Number.POSITIVE_INFINITY } }],
  ])('and is not confused by %s', (_, lie) => {
    expect(device().place(lie).hosts).toEqual(hosts('ddd'))
  })
})

describe('an agent that divides tasks', () => {
  const dividing: AgentsNetwork = (() => {
    const form = { ...shape, row: DIVISION_ROW, ratio: true } as const
    return { shape: form, weights: initialActor(form, new RandomStream(1)) }
  })()
  const crops = sketch(
    [
      { id: 'crop', reads: ['input'], rows: 10, size: 100 },
      { id: 'classify', reads: ['crop'], rows: 10 },
      { id: 'count', reads: ['classify'] },
    ],
    ['count'],
  )
  const view = { pipeline: crops, deviceMs: [1, 60, 1], edgeMs: [undefined, 40, undefined] }

  it('says which share of a stage whose rows may be divided goes to the server, and is done sooner so', () => {
    const { hosts: placed, shares, expectedMs, reason } = device(dividing).place(view)
    expect(placed).toEqual(hosts('ded'))
    expect(shares?.[0]).toBe(1)
    expect(shares?.[1]).toBeGreaterThan(0.5)
    expect(shares?.[1]).toBeLessThan(0.65)
    expect(expectedMs).toBeLessThan(0.75 * device().place(view).expectedMs)
    expect(reason).toMatch(/1 of 3 stages on the server, 1 of them divided/)
  })

  it('leaves whole what cannot be divided, what the user has placed, and what gains nothing', () => {
    const { place } = device(dividing)
    expect(place({ deviceMs: [10, 20, 30], edgeMs: [9, 18, 27] }).shares).toBeUndefined()
    expect(place({ ...view, fixed: [undefined, 'edge', undefined] }).shares).toBeUndefined()
    expect(
      place({ ...view, edgeMs: [undefined, 900, undefined], link: { ...link, rttMs: 500 } }).hosts,
    ).toEqual(hosts('ddd'))
  })

  it('counts the part that it has sent, and no more', () => {
    const { place, told, policy } = device(dividing)
    place(view)
    const sent = told.at(-1)!
    expect(sent.sent.length).toBeGreaterThan(0)
    policy.published(EDGE, 5000)
    const again = place(view, { nowMs: 5000 })
    expect(again.shares).toEqual(device(dividing).place(view).shares)
  })

  it('understands its like, and is understood by nobody else', () => {
    const { agent } = device(dividing)
    const other = device(dividing, 'b')
    other.place(view)
    expect(agent.hear('b', other.told.at(-1)!, 0)).toBe(true)
    const strange = device(plain, 'c')
    strange.place({ fixed: ['edge', 'edge', 'edge'] })
    expect(agent.hear('c', strange.told.at(-1)!, 0)).toBe(false)
    const broken = { ...dividing, shape: { ...dividing.shape, row: shape.row } }
    expect(() => device(broken)).toThrow(expect.objectContaining({ code: 'BAD_POLICY' }))
  })
})

describe('its own work', () => {
  const heavy = { edgeMs: [9, 18, 27] }

  it('counts until the server has published a load with it, or a second has gone by', () => {
    const { place, policy } = device()
    const away = (nowMs: number) => place(heavy, { nowMs }).hosts.filter((host) => host === 'edge').length
    const first = away(0)
    expect(first).toBeGreaterThan(0)
    const full = Array.from({ length: 6 }, () => away(1)).at(-1)!
    expect(full).toBeLessThan(first)
    policy.published(EDGE, 500)
    expect(away(500)).toBe(first)
    for (let n = 0; n < 6; n++) away(501)
    expect(away(502)).toBe(full)
    expect(away(2000)).toBe(first)
  })

  it('is told before and after a decision, and when a published load lacks it', () => {
    const { place, policy, told } = device(randomAgents(4))
    place({ fixed: ['edge', 'edge', 'edge'] })
    expect(told.map(({ deciding, sent }) => [deciding.length > 0, sent.length > 0])).toEqual([
      [true, false],
      [false, true],
    ])
    // On its way: the first stage is at the server after 2.4 ms, and the device hears of that after 2 more.
    policy.published(EDGE, 1)
    expect(told).toHaveLength(3)
    expect(told[2]!.sent.length).toBeGreaterThan(0)
    policy.published(EDGE, 1000)
    expect(told).toHaveLength(3)
    place({ fixed: ['device', 'device', 'device'] }, { nowMs: 1000 })
    expect(saysNothing(told.at(-1)!)).toBe(true)
  })
})

describe('others', () => {
  it('are heard: what they have sent changes the choice of some, who can still say why', () => {
    const sight = { edgeMs: [8, 16, 24] }
    let changed = 0
    for (let seed = 0; seed < 30; seed++) {
      const network = randomAgents(seed)
      const other = device(network, 'b')
      other.place({ ...sight, fixed: ['edge', 'edge', 'edge'] })
      const [alone, one] = [device(network), device(network)]
      for (const message of other.told) one.agent.hear('b', message, 0)
      const [without, with_] = [alone.place(sight), one.place(sight)]
      expect(with_.reason).toMatch(/1 other heard/)
      if (`${without.hosts}` !== `${with_.hosts}`) changed++
    }
    expect(changed).toBeGreaterThan(2)
  })

  it('that are not there change nothing: the same choice as one who never heard any', () => {
    const network = randomAgents(8)
    const [one, other] = [device(network), device(network)]
    one.agent.hear('b', device(network, 'b').agent.think(offloadObservation(2), [EDGE]), 0)
    for (const nowMs of [5000, 5100, 5200])
      expect(one.place({}, { nowMs }).hosts).toEqual(other.place({}, { nowMs }).hosts)
  })
})
