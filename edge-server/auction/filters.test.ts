import { describe, expect, it } from 'vitest'
import type { Request } from './index.ts'
import { checkMarket, clearRound, defaultWeights, pairRefusal, siftMarket } from './index.ts'
import { request, resource } from './market.test.support.ts'

describe('filters', () => {
  it('tell for each pair what is in the way', () => {
    const server = resource('s', { reliability: 0.5, availability: 0.5 })
    const needs = { reliability: 0, availability: 0, latencyMs: 100 }
    expect(pairRefusal(request('a'), server)).toBeNull()
    expect(pairRefusal(request('a', { kind: 'gpu' }), server)).toBe('kind')
    expect(pairRefusal(request('a', { demand: [1, 1, 0, 0] }), server)).toBe('capacity')
    expect(pairRefusal(request('a', { needs: { ...needs, reliability: 0.6 } }), server)).toBe('reliability')
    expect(pairRefusal(request('a', { needs: { ...needs, availability: 0.6 } }), server)).toBe('availability')
    const far = request('a', { needs: { ...needs, latencyMs: 1 }, place: { x: 101, y: 0 } })
    expect(pairRefusal(far, server)).toBe('latency')
    expect(pairRefusal({ ...far, place: { x: 99, y: 0 } }, server)).toBeNull()
    expect(pairRefusal(request('a', { bid: 0.99 }), server)).toBe('budget')
    expect(pairRefusal(request('a', { bid: 0.99 }), server, { budget: false })).toBeNull()
    expect(
      pairRefusal(request('a', { demand: [0.1 + 0.2, 0, 0, 0] }), { ...server, capacity: [0.3, 0, 0, 0] }),
    ).toBeNull()
  })

  it('tell for each request why it is out: nothing is dropped without a word', () => {
    const market = {
      requests: [
        request('fits'),
        request('nothing', { demand: [0, 0, 0, 0] }),
        request('more than any', { demand: [3, 0, 0, 0] }),
        request('of two servers', { demand: [2, 1, 0, 0] }),
        request('poor', { bid: 0.1 }),
        request('odd', { bid: Number.NaN }),
      ],
      resources: [resource('s'), resource('t', { capacity: [0, 2, 0, 0] })],
    }
    expect(siftMarket(market, defaultWeights).refusals).toEqual([
      null,
      'zero demand',
      'infeasible: more than any resource has',
      'infeasible: more than any resource has',
      'no resource passes',
      'malformed',
    ])
    expect(siftMarket(market, defaultWeights, { zeroDemand: 'admit' }).refusals[1]).toBeNull()
  })

  it('keep a request for nothing from a slot that somebody would pay for', async () => {
    const market = {
      requests: [request('a nothing', { demand: [0, 0, 0, 0] }), request('payer')],
      resources: [resource('s')],
    }
    const { awards } = await clearRound(market, { exclusive: true })
    expect(awards.map(({ request, resource, reason }) => [request, resource, reason])).toEqual([
      ['a nothing', null, 'zero demand'],
      ['payer', 's', null],
    ])
  })

  const broken: [string, Partial<Record<keyof Request, unknown>>][] = [
    ['negative demand', { demand: [-1, 0, 0, 0] }],
    ['demand that is no number', { demand: [Number.NaN, 0, 0, 0] }],
    ['infinite demand', { demand: [Number.POSITIVE_INFINITY, 0, 0, 0] }],
    ['too few amounts', { demand: [1] }],
    ['no demand', { demand: undefined }],
    ['a huge bid', { bid: 1e300 }],
    ['a bid of text', { bid: '10' }],
    ['a negative bid', { bid: -1 }],
    ['a priority above 1', { priority: 2 }],
    ['no needs', { needs: undefined }],
    ['no place', { place: undefined }],
    ['a place nowhere', { place: { x: Number.NaN, y: 0 } }],
    ['no requester', { requester: '' }],
    ['a kind that is no name', { kind: 7 }],
  ]

  it.each(broken)('turn away %s and clear the round as if it were not there', async (_, changes) => {
    const good = {
      requests: [request('a'), request('b', { bid: 9 }), request('c', { bid: 8 })],
      resources: [resource('s')],
    }
    const bad = { ...request('bad'), ...changes } as Request
    const alone = await clearRound(good)
    const beside = await clearRound({ ...good, requests: [bad, ...good.requests] })
    expect(beside.awards.find(({ request }) => request === 'bad')).toMatchObject({
      resource: null,
      payment: 0,
      reason: 'malformed',
    })
    expect(beside.awards.filter(({ request }) => request !== 'bad')).toEqual(alone.awards)
    expect(() => checkMarket({ ...good, requests: [bad] })).toThrow(
      expect.objectContaining({ code: 'BAD_MARKET' }),
    )
  })

  it('refuse a round with a malformed resource or with one id twice', async () => {
    const bad = { requests: [request('a')], resources: [resource('s', { unitCost: Number.NaN })] }
    await expect(clearRound(bad)).rejects.toMatchObject({ code: 'BAD_MARKET' })
    expect(() => checkMarket({ requests: [request('a'), request('a')], resources: [] })).toThrow(
      /a is there twice/,
    )
  })
})
