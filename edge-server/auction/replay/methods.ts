import type { Random } from '@isthmus/models/data'
import { localSearch } from '../allocation/local-search.ts'
import { demandAt, type Packing, Room } from '../allocation/packing.ts'
import {
  type BaselineName,
  baselines,
  inTurn,
  leastAllocated,
  mostAllocated,
  nomadBinpack,
} from '../baselines/index.ts'
import { bestPlace } from '../baselines/ordered.ts'
import type { Candidates } from '../candidates.ts'
import { priceGuidedAllocation } from '../hierarchy/price-guided.ts'
import type { Market } from '../market.ts'

/** A round of the replay, as a method sees it. */
export interface ReplayRound {
  /** Waiting requests in the order in which they came, and machines with what they have left. */
  readonly market: Market
  readonly candidates: Candidates
  /** What is left. */
  readonly packing: Packing
  /** The same machines with all that they have. */
  readonly whole: Packing
  /** By requester: its largest share of all there is that is in use by its running tasks. */
  readonly dominantShares: ReadonlyMap<string, number>
  /** By kind of amount of the packing: price of a unit, in utility. */
  readonly prices: readonly number[]
  readonly random: Random
}

/** Chooses the place of each request, or -1. */
export type ReplayMethod = (round: ReplayRound) => Int32Array

const inOrder = ({ candidates }: ReplayRound) =>
  Uint32Array.from({ length: candidates.starts.length - 1 }, (_, at) => at)

const byBaseline =
  (name: BaselineName): ReplayMethod =>
  ({ market, candidates, packing, random }) =>
    baselines[name](market, candidates, packing, random).resource

/** A scheduler that scores machines by how full they are: what runs on them counts. */
const byFullness =
  (score: typeof leastAllocated): ReplayMethod =>
  (round) =>
    inTurn(round.candidates, round.packing, inOrder(round), score(round.candidates, round.whole)).resource

/** Methods of the comparison. The first is ours. */
export const replayMethods = {
  auction: (round) => auctioned(round),
  random: byBaseline('random'),
  'first price': byBaseline('first price'),
  priority: byBaseline('priority'),
  fifo: byBaseline('fifo'),
  leastAllocated: byFullness(leastAllocated),
  mostAllocated: byFullness(mostAllocated),
  nomadBinpack: byFullness(nomadBinpack),
  drf: (round) => fairest(round),
} as const satisfies Record<string, ReplayMethod>

export type ReplayMethodName = keyof typeof replayMethods

/**
 * Whoever is worth less than what it takes at today's prices is not served, even where there is room: somebody who is worth
 * more will come. The rest compete by what they are worth beyond the price.
 */
function auctioned({ candidates, packing, prices }: ReplayRound): Int32Array {
  const { resources, starts } = candidates
  const everywhere = Float64Array.from(
    { length: packing.resources * packing.kinds },
    (_, at) => prices[at % packing.kinds]!,
  )
  const kept = { starts: new Uint32Array(starts.length), resources: [] as number[], utility: [] as number[] }
  for (let request = 0; request + 1 < starts.length; request++) {
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      const wants = demandAt(packing, request, pair)
      let surplus = candidates.utility[pair]!
      for (let kind = 0; kind < packing.kinds; kind++)
        surplus -= prices[kind]! * packing.demand[wants + kind]!
      if (surplus <= 0) continue
      kept.resources.push(resources[pair]!)
      kept.utility.push(candidates.utility[pair]!)
    }
    kept.starts[request + 1] = kept.resources.length
  }
  const affordable: Candidates = {
    starts: kept.starts,
    resources: Uint32Array.from(kept.resources),
    utility: Float64Array.from(kept.utility),
  }
  const start = priceGuidedAllocation(affordable, packing, everywhere)
  const budget = 2 * affordable.utility.length
  return localSearch(affordable, packing, { start, evaluations: budget, patience: 0 }).resource
}

/** Dominant resource fairness over time: tasks that run count towards their requester's share. */
function fairest({ market, candidates, packing, whole, dominantShares }: ReplayRound): Int32Array {
  const { kinds, demand } = packing
  const total = new Float64Array(kinds)
  for (let at = 0; at < whole.capacity.length; at++) total[at % kinds]! += whole.capacity[at]!
  const waiting = new Map<string, number[]>()
  for (const [at, { requester }] of market.requests.entries()) {
    const list = waiting.get(requester) ?? []
    list.push(at)
    waiting.set(requester, list)
  }
  const queue = [...waiting].map(([name, requests]) => ({
    requests: requests.reverse(),
    share: dominantShares.get(name) ?? 0,
  }))
  const room = new Room(packing)
  const resource = new Int32Array(market.requests.length).fill(-1)
  while (queue.length > 0) {
    let next = 0
    for (let at = 1; at < queue.length; at++) if (queue[at]!.share < queue[next]!.share) next = at
    const turn = queue[next]!
    const request = turn.requests.pop()
    if (request === undefined) {
      queue.splice(next, 1)
      continue
    }
    const pair = bestPlace(candidates, request, room, (_, candidate) => candidates.utility[candidate]!)
    if (pair < 0) continue
    resource[request] = candidates.resources[pair]!
    room.take(request, candidates.resources[pair]!, pair)
    let grows = 0
    for (let kind = 0; kind < kinds; kind++) {
      if (total[kind]! > 0) grows = Math.max(grows, demand[request * kinds + kind]! / total[kind]!)
    }
    turn.share += grows
  }
  return resource
}
