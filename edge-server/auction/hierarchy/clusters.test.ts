import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { request, resource } from '../market.test.support.ts'
import { clustersOf } from './clusters.ts'
import { columnsOf } from './columns.ts'

const scattered = (seed: number, requests: number, resources: number) => {
  const random = seededRandom(seed)
  const place = () => ({ x: 1000 * random.uniform(), y: 10 * random.uniform() })
  return columnsOf({
    requests: Array.from({ length: requests }, (_, at) => request(`q${at}`, { place: place() })),
    resources: Array.from({ length: resources }, (_, at) => resource(`r${at}`, { place: place() })),
  })
}

const sizesOf = (starts: Uint32Array) => Array.from(starts.subarray(1), (end, at) => end - starts[at]!)

describe('clusters', () => {
  it('hold every request and every resource once, with equal shares of the resources', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (seed, resources, wanted) => {
          const found = clustersOf(scattered(seed, 50, resources), { clusters: wanted })
          expect(found.count).toBe(Math.min(wanted, resources))
          expect([...found.resources].sort((a, b) => a - b)).toEqual([...Array(resources).keys()])
          expect([...found.requests].sort((a, b) => a - b)).toEqual([...Array(50).keys()])
          const sizes = sizesOf(found.resourceStarts)
          expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * Math.ceil(resources / found.count))
          expect(Math.min(...sizes)).toBeGreaterThan(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('are as many as 64 resources each call for, if nobody says', () => {
    expect(clustersOf(scattered(1, 10, 64)).count).toBe(1)
    expect(clustersOf(scattered(1, 10, 65)).count).toBe(2)
    expect(clustersOf(scattered(1, 10, 640)).count).toBe(10)
  })

  it('keep apart what lies apart', () => {
    const town = (name: string, x: number) => ({
      requests: [0, 1, 2].map((at) => request(`${name}q${at}`, { place: { x: x + at, y: 0 } })),
      resources: [0, 1].map((at) => resource(`${name}r${at}`, { place: { x: x + 2 * at, y: 0 } })),
    })
    const [west, east] = [town('w', 0), town('e', 500)]
    const market = {
      requests: [...west.requests, ...east.requests],
      resources: [...west.resources, ...east.resources],
    }
    const columns = columnsOf(market)
    const found = clustersOf(columns, { clusters: 2 })
    const first = [...found.requests.subarray(0, found.requestStarts[1]!)].map(
      (i) => market.requests[columns.requests.source[i]!]!.id,
    )
    expect(first.sort()).toEqual(['wq0', 'wq1', 'wq2'])
  })

  it('leave together what is all alike', () => {
    const resources = Array.from({ length: 10 }, (_, at) => resource(`r${at}`))
    expect(clustersOf(columnsOf({ requests: [request('a')], resources }), { clusters: 5 }).count).toBe(1)
  })
})
