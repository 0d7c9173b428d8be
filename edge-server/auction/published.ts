import { edgeError } from '../errors.ts'
import type { Packing } from './allocation/packing.ts'
import type { Candidates } from './candidates.ts'
import type { Market } from './market.ts'

interface MohafFixture {
  readonly resources: readonly {
    readonly id: string
    readonly capacity: number
    readonly cost: number
    readonly x: number
    readonly y: number
    readonly availability: number
    readonly reliability: number
    readonly energy: number
  }[]
  readonly requests: readonly {
    readonly id: string
    readonly user: string
    readonly demand: number
    readonly budget: number
    readonly priority: number
    readonly x: number
    readonly y: number
  }[]
}

/**
 * MOHAF's experiment as a market, from the JSON text of its requests and resources: one kind of amount, priorities from
 * 0 to 10 there and from 0 to 1 here.
 */
export function parseMohafMarket(json: string): Market {
  const { requests, resources } = JSON.parse(json) as MohafFixture
  return {
    requests: requests.map(({ id, user, demand, budget, priority, x, y }) => ({
      id,
      requester: user,
      demand: [demand, 0, 0, 0],
      bid: budget,
      priority: priority / 10,
      needs: { reliability: 0, availability: 0, latencyMs: Number.POSITIVE_INFINITY },
      place: { x, y },
    })),
    resources: resources.map(({ id, capacity, cost, x, y, availability, reliability, energy }) => ({
      id,
      kind: 'edge',
      capacity: [capacity, 0, 0, 0],
      unitCost: cost,
      reliability,
      availability,
      energy,
      place: { x, y },
    })),
  }
}

/** A generalised assignment problem: profits are the utilities of the candidates. */
export interface AssignmentInstance {
  readonly candidates: Candidates
  readonly packing: Packing
}

/**
 * Reads an instance in the format of the OR-Library: numbers of agents and jobs, profits by agent, what each job takes of
 * each agent, capacities. Jobs are the requests, agents the resources. Throws `BAD_MARKET` for text that is too short or
 * holds something else than numbers.
 */
export function parseGapInstance(text: string): AssignmentInstance {
  const numbers = text.trim().split(/\s+/).map(Number)
  const [agents = 0, jobs = 0] = numbers
  const size = agents * jobs
  if (!(size > 0) || numbers.length < 2 + 2 * size + agents || !numbers.every(Number.isFinite)) {
    throw edgeError('BAD_MARKET', 'Not a generalised assignment problem of the OR-Library')
  }
  const utility = new Float64Array(size)
  const demand = new Float64Array(size)
  for (let job = 0; job < jobs; job++) {
    for (let agent = 0; agent < agents; agent++) {
      utility[job * agents + agent] = numbers[2 + agent * jobs + job]!
      demand[job * agents + agent] = numbers[2 + size + agent * jobs + job]!
    }
  }
  const capacity = Float64Array.from(numbers.slice(2 + 2 * size, 2 + 2 * size + agents))
  return {
    candidates: {
      starts: Uint32Array.from({ length: jobs + 1 }, (_, job) => job * agents),
      resources: Uint32Array.from({ length: size }, (_, pair) => pair % agents),
      utility,
    },
    packing: { requests: jobs, resources: agents, kinds: 1, capacity, demand, demandPerPair: true },
  }
}
