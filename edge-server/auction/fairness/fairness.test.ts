import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  clearRound,
  defaultWeights,
  drfAllocation,
  type FairnessState,
  historyOf,
  inOrder,
  jainIndex,
  jainIndices,
  nextFairness,
  packingOf,
} from '../index.ts'
import { request, resource } from '../market.test.support.ts'

const slot = { resources: [resource('s', { capacity: [1, 0, 0, 0] })] }

describe('history', () => {
  it.each([0.8, 0])('makes two that ask for the same take turns, at priority %f', async (priority) => {
    const market = { ...slot, requests: [request('a', { priority }), request('b', { priority })] }
    let state: FairnessState = { shares: {} }
    const winners: string[] = []
    for (let round = 0; round < 10; round++) {
      const stored = JSON.parse(JSON.stringify(state)) as FairnessState
      const result = await clearRound(market, { history: historyOf(stored) })
      winners.push(result.awards.find(({ resource }) => resource !== null)!.requester)
      state = nextFairness(stored, result.market, result.resource)
    }
    expect(winners.join('')).toBe('ababababab')
  })

  it('fades, and forgets those who have not won for long', () => {
    const market = { requests: [request('a'), request('b')] }
    const once = nextFairness({ shares: {} }, market, [0, -1], { halfLifeRounds: 2 })
    expect(Object.keys(once.shares)).toEqual(['a'])
    let later = once
    for (let round = 0; round < 2; round++)
      later = nextFairness(later, market, [-1, -1], { halfLifeRounds: 2 })
    expect(later.shares.a).toBeCloseTo(once.shares.a! / 2, 12)
    for (let round = 0; round < 60; round++)
      later = nextFairness(later, { requests: [] }, [], { halfLifeRounds: 2 })
    expect(later.shares).toEqual({})
  })

  it('survives names that objects know', () => {
    const market = { requests: [request('constructor'), request('__proto__')] }
    const { shares } = nextFairness({ shares: {} }, market, [0, 0])
    expect(Object.keys(shares).sort()).toEqual(['__proto__', 'constructor'])
    expect([...historyOf({ shares }).values()].every((share) => share > 0 && share < 1)).toBe(true)
  })

  it('puts a market in an order of its own, whoever comes first', () => {
    const [a, b, c] = [request('a'), request('b'), request('c')]
    const history = new Map([['a', 0.5]])
    const ids = (requests: readonly { id: string }[]) => requests.map(({ id }) => id).join('')
    expect(ids(inOrder({ ...slot, requests: [c, a, b] }, history).requests)).toBe('bca')
    expect(ids(inOrder({ ...slot, requests: [b, c, a] }, history).requests)).toBe('bca')
  })
})

describe('Jain index', () => {
  it('tells winners alone from all who asked', () => {
    expect(jainIndex([1, 1])).toBe(1)
    expect(jainIndex([2, 1])).toBeCloseTo(0.9, 12)
    expect(jainIndex([1, 0, 0, 0])).toBe(0.25)
    expect(jainIndex([])).toBe(1)
    const requests = [
      request('1', { requester: 'a' }),
      request('2', { requester: 'a' }),
      request('3'),
      request('4'),
    ]
    const market = { requests, resources: [resource('s'), resource('t')] }
    const candidates = candidatesOf(market, defaultWeights)
    const indices = jainIndices(market, candidates, { resource: Int32Array.of(0, 0, -1, -1), value: 1 })
    expect(indices).toEqual({
      requests: expect.closeTo(0.5, 12),
      requesters: expect.closeTo(1 / 3, 12),
      winners: expect.closeTo(1, 12),
    })
  })
})

describe('dominant resource fairness', () => {
  it('gives 3 tasks of (1, 4) and 2 of (3, 1) out of (9, 18): two thirds to each', () => {
    const tasks = (requester: string, demand: number[]) =>
      Array.from({ length: 9 }, (_, at) => request(`${requester}${at}`, { requester, demand }))
    const market = {
      requests: [...tasks('A', [1, 4, 0, 0]), ...tasks('B', [3, 1, 0, 0])],
      resources: [resource('cluster', { capacity: [9, 18, 0, 0] })],
    }
    const { resource: won, dominantShares } = drfAllocation(
      market,
      candidatesOf(market, defaultWeights),
      packingOf(market),
    )
    const count = (requester: string) =>
      market.requests.filter((one, at) => one.requester === requester && won[at]! >= 0).length
    expect([count('A'), count('B')]).toEqual([3, 2])
    expect(dominantShares.get('A')).toBeCloseTo(2 / 3, 12)
    expect(dominantShares.get('B')).toBeCloseTo(2 / 3, 12)
  })
})
