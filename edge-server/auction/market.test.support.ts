import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import type { Packing } from './allocation/packing.ts'
import type { Candidates } from './candidates.ts'
import type { Market, Request, Resource } from './market.ts'
import { randomMarket } from './random-market.ts'

/** Folder of public data that is not part of the repository; undefined: not here. */
export const sharedData = process.env.ISTHMUS_SHARED_DATA

export const published = (name: string): string => readFileSync(join(sharedData!, name), 'utf8')

export const request = (id: string, changes: Partial<Request> = {}): Request => ({
  id,
  requester: id,
  demand: [1, 0, 0, 0],
  bid: 10,
  priority: 0.5,
  needs: { reliability: 0, availability: 0, latencyMs: 100 },
  place: { x: 0, y: 0 },
  ...changes,
})

export const resource = (id: string, changes: Partial<Resource> = {}): Resource => ({
  id,
  kind: 'edge',
  capacity: [2, 0, 0, 0],
  unitCost: 1,
  reliability: 0.9,
  availability: 0.9,
  energy: 0.5,
  place: { x: 0, y: 0 },
  ...changes,
})

/** Markets of a few requests and resources, by seed. */
export const markets = (requests = 7, resources = 4): fc.Arbitrary<Market> =>
  fc
    .tuple(fc.nat(), fc.integer({ min: 1, max: requests }), fc.integer({ min: 1, max: resources }))
    .map(([seed, n, m]) => randomMarket(seededRandom(seed), n, m))

/** Candidates from a table of values: rows are requests; pairs of undefined are none. */
export function tableOf(rows: readonly (readonly (number | undefined)[])[]): Candidates {
  const starts = [0]
  const resources: number[] = []
  const utility: number[] = []
  for (const row of rows) {
    for (const [at, value] of row.entries()) {
      if (value === undefined) continue
      resources.push(at)
      utility.push(value)
    }
    starts.push(resources.length)
  }
  return {
    starts: Uint32Array.from(starts),
    resources: Uint32Array.from(resources),
    utility: Float64Array.from(utility),
  }
}

/** One kind of amount. */
export const packingFor = (demand: readonly number[], capacity: readonly number[]): Packing => ({
  requests: demand.length,
  resources: capacity.length,
  kinds: 1,
  capacity: Float64Array.from(capacity),
  demand: Float64Array.from(demand),
  demandPerPair: false,
})

/** The value of the best allocation, by trying all. */
export function bestByTrying({ starts, resources, utility }: Candidates, packing: Packing): number {
  const { kinds, demand, demandPerPair } = packing
  const left = packing.capacity.slice()
  const visit = (at: number): number => {
    if (at === starts.length - 1) return 0
    let most = visit(at + 1)
    for (let pair = starts[at]!; pair < starts[at + 1]!; pair++) {
      const from = (demandPerPair ? pair : at) * kinds
      const to = resources[pair]! * kinds
      let fits = true
      for (let kind = 0; kind < kinds; kind++) {
        if (demand[from + kind]! > left[to + kind]! + 1e-9) fits = false
      }
      if (!fits) continue
      for (let kind = 0; kind < kinds; kind++) left[to + kind]! -= demand[from + kind]!
      most = Math.max(most, utility[pair]! + visit(at + 1))
      for (let kind = 0; kind < kinds; kind++) left[to + kind]! += demand[from + kind]!
    }
    return most
  }
  return visit(0)
}

/** Loads of the resources, [resources][4], of an allocation of a market. */
export function loadsOf({ requests, resources }: Market, allocated: Int32Array): number[][] {
  const loads = resources.map(() => [0, 0, 0, 0])
  for (const [at, place] of allocated.entries()) {
    if (place < 0) continue
    for (const [kind, amount] of requests[at]!.demand.entries()) loads[place]![kind]! += amount
  }
  return loads
}
