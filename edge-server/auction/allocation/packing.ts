import { FIT_TOLERANCE } from '../filters.ts'
import { amountNames, type Market } from '../market.ts'

/** What requests take and resources hold, as flat lists: what every method of allocation works on. */
export interface Packing {
  readonly requests: number
  readonly resources: number
  /** Kinds of amounts that count. 0: everything fits. */
  readonly kinds: number
  /** [resources × kinds]. */
  readonly capacity: Float64Array
  /** [requests × kinds], or [pairs × kinds] where what a request takes differs from resource to resource. */
  readonly demand: Float64Array
  readonly demandPerPair: boolean
}

export interface PackingOptions {
  /** A resource serves one request at most, whatever their sizes: the published experiment. Default false. */
  readonly exclusive?: boolean
}

/** A market's amounts. Kinds that nobody asks for are left out. */
export function packingOf(market: Market, { exclusive = false }: PackingOptions = {}): Packing {
  const requests = market.requests.length
  const resources = market.resources.length
  if (exclusive) {
    const [demand, capacity] = [new Float64Array(requests).fill(1), new Float64Array(resources).fill(1)]
    return { requests, resources, kinds: 1, capacity, demand, demandPerPair: false }
  }
  const wanted = amountNames
    .map((_, kind) => kind)
    .filter((kind) => market.requests.some(({ demand }) => (demand?.[kind] ?? 0) > 0))
  const kinds = wanted.length
  const capacity = new Float64Array(resources * kinds)
  const demand = new Float64Array(requests * kinds)
  for (const [column, kind] of wanted.entries()) {
    for (let j = 0; j < resources; j++) capacity[j * kinds + column] = market.resources[j]!.capacity[kind]!
    for (let i = 0; i < requests; i++) demand[i * kinds + column] = market.requests[i]!.demand?.[kind] ?? 0
  }
  return { requests, resources, kinds, capacity, demand, demandPerPair: false }
}

export const asPacking = (from: Market | Packing): Packing => ('kinds' in from ? from : packingOf(from))

/** Where the demand of a pair begins in the packing's list. */
export const demandAt = ({ kinds, demandPerPair }: Packing, request: number, pair: number): number =>
  (demandPerPair ? pair : request) * kinds

/** What is left of the resources while they are being given away. */
export class Room {
  readonly #packing: Packing
  readonly #left: Float64Array
  readonly #slack: Float64Array

  constructor(packing: Packing) {
    this.#packing = packing
    this.#left = packing.capacity.slice()
    this.#slack = packing.capacity.map((capacity) => capacity * FIT_TOLERANCE)
  }

  fits(request: number, resource: number, pair: number): boolean {
    const { kinds, demand } = this.#packing
    const from = demandAt(this.#packing, request, pair)
    const to = resource * kinds
    for (let kind = 0; kind < kinds; kind++) {
      if (demand[from + kind]! > this.#left[to + kind]! + this.#slack[to + kind]!) return false
    }
    return true
  }

  take(request: number, resource: number, pair: number): void {
    const { kinds, demand } = this.#packing
    const from = demandAt(this.#packing, request, pair)
    for (let kind = 0; kind < kinds; kind++) this.#left[resource * kinds + kind]! -= demand[from + kind]!
  }

  giveBack(request: number, resource: number, pair: number): void {
    const { kinds, demand } = this.#packing
    const from = demandAt(this.#packing, request, pair)
    for (let kind = 0; kind < kinds; kind++) this.#left[resource * kinds + kind]! += demand[from + kind]!
  }

  /** Makes this room as full as another one of the same packing. */
  copy(other: Room): void {
    this.#left.set(other.#left)
  }

  /** [kinds] of a resource: a view, for reading. */
  left(resource: number): Float64Array {
    const { kinds } = this.#packing
    return this.#left.subarray(resource * kinds, (resource + 1) * kinds)
  }
}
