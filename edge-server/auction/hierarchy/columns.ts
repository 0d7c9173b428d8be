import { edgeError } from '../../errors.ts'
import { amountNames, type Market, type Request, type Resource } from '../market.ts'

/** Kinds of amounts. */
export const KINDS: number = amountNames.length

/**
 * A market as columns of numbers, so that threads can look at it together without a copy for each: all arrays lie in
 * shared memory. Names are left out: requests and resources stand in the order of their ids, so that the order in which
 * they came in changes nothing.
 */
export interface MarketColumns {
  readonly requests: RequestColumns
  readonly resources: ResourceColumns
  /** Kinds of resources, in no order that means anything. */
  readonly kindNames: readonly string[]
}

export interface RequestColumns {
  readonly count: number
  /** [count]: place in the market that the columns were made from. */
  readonly source: Uint32Array
  /** [count × KINDS]. */
  readonly demand: Float64Array
  readonly bid: Float64Array
  readonly priority: Float64Array
  readonly reliability: Float64Array
  readonly availability: Float64Array
  readonly latencyMs: Float64Array
  readonly x: Float64Array
  readonly y: Float64Array
  /** Place in `kindNames`, or -1: any. */
  readonly kind: Int32Array
  /** What the requester has had lately. */
  readonly history: Float64Array
}

export interface ResourceColumns {
  readonly count: number
  readonly source: Uint32Array
  /** [count × KINDS]. */
  readonly capacity: Float64Array
  readonly unitCost: Float64Array
  readonly reliability: Float64Array
  readonly availability: Float64Array
  readonly energy: Float64Array
  readonly x: Float64Array
  readonly y: Float64Array
  readonly kind: Int32Array
}

/** Numbers in memory that threads share. */
export const sharedFloats = (length: number): Float64Array<SharedArrayBuffer> =>
  new Float64Array(new SharedArrayBuffer(8 * length))
export const sharedIntegers = (length: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(4 * length))

/**
 * The columns of a market, without the requests for which `isOut`. All that stays in must be well-formed. Throws
 * `BAD_MARKET` for two requests or two resources with one id: their order would be up to chance.
 */
export function columnsOf(
  market: Market,
  history: ReadonlyMap<string, number> = new Map(),
  isOut: (request: number) => boolean = () => false,
): MarketColumns {
  const kinds = new Map<string, number>()
  const kindAt = (name: string): number => {
    const at = kinds.get(name) ?? kinds.size
    kinds.set(name, at)
    return at
  }
  const inOrder = byId(market.requests, 'Request', isOut)
  const requests: RequestColumns = {
    count: inOrder.length,
    source: inOrder,
    demand: sharedFloats(inOrder.length * KINDS),
    ...columns(
      ['bid', 'priority', 'reliability', 'availability', 'latencyMs', 'x', 'y', 'history'],
      inOrder.length,
    ),
    kind: sharedIntegers(inOrder.length),
  }
  for (let i = 0; i < inOrder.length; i++) {
    const request = market.requests[inOrder[i]!]!
    for (let kind = 0; kind < KINDS; kind++) requests.demand[i * KINDS + kind] = request.demand[kind]!
    requests.bid[i] = request.bid
    requests.priority[i] = request.priority
    requests.reliability[i] = request.needs.reliability
    requests.availability[i] = request.needs.availability
    requests.latencyMs[i] = request.needs.latencyMs
    requests.x[i] = request.place.x
    requests.y[i] = request.place.y
    requests.kind[i] = request.kind === undefined ? -1 : kindAt(request.kind)
    requests.history[i] = history.get(request.requester) ?? 0
  }
  const places = byId(market.resources, 'Resource', () => false)
  const resources: ResourceColumns = {
    count: places.length,
    source: places,
    capacity: sharedFloats(places.length * KINDS),
    ...columns(['unitCost', 'reliability', 'availability', 'energy', 'x', 'y'], places.length),
    kind: sharedIntegers(places.length),
  }
  for (let j = 0; j < places.length; j++) {
    const resource = market.resources[places[j]!]!
    for (let kind = 0; kind < KINDS; kind++) resources.capacity[j * KINDS + kind] = resource.capacity[kind]!
    resources.unitCost[j] = resource.unitCost
    resources.reliability[j] = resource.reliability
    resources.availability[j] = resource.availability
    resources.energy[j] = resource.energy
    resources.x[j] = resource.place.x
    resources.y[j] = resource.place.y
    resources.kind[j] = kindAt(resource.kind)
  }
  return { requests, resources, kindNames: [...kinds.keys()] }
}

/** A request of the columns, under another name: what filters and utility look at. Its history is that of its name. */
export function requestAt({ requests, kindNames }: MarketColumns, i: number): Request {
  const name = String(i)
  const request = {
    id: name,
    requester: name,
    demand: amountsAt(requests.demand, i),
    bid: requests.bid[i]!,
    priority: requests.priority[i]!,
    needs: {
      reliability: requests.reliability[i]!,
      availability: requests.availability[i]!,
      latencyMs: requests.latencyMs[i]!,
    },
    place: { x: requests.x[i]!, y: requests.y[i]! },
  }
  const kind = requests.kind[i]!
  return kind < 0 ? request : { ...request, kind: kindNames[kind]! }
}

export function resourceAt({ resources, kindNames }: MarketColumns, j: number): Resource {
  return {
    id: String(j),
    kind: kindNames[resources.kind[j]!]!,
    capacity: amountsAt(resources.capacity, j),
    unitCost: resources.unitCost[j]!,
    reliability: resources.reliability[j]!,
    availability: resources.availability[j]!,
    energy: resources.energy[j]!,
    place: { x: resources.x[j]!, y: resources.y[j]! },
  }
}

function amountsAt(table: Float64Array, row: number): number[] {
  const amounts: number[] = []
  for (let kind = 0; kind < KINDS; kind++) amounts.push(table[row * KINDS + kind]!)
  return amounts
}

function columns<Name extends string>(names: readonly Name[], length: number): Record<Name, Float64Array> {
  return Object.fromEntries(names.map((name) => [name, sharedFloats(length)])) as never
}

function byId(
  list: readonly { readonly id: string }[],
  what: string,
  isOut: (at: number) => boolean,
): Uint32Array {
  const order: number[] = []
  for (let at = 0; at < list.length; at++) if (!isOut(at)) order.push(at)
  order.sort((a, b) => (list[a]!.id < list[b]!.id ? -1 : list[a]!.id > list[b]!.id ? 1 : 0))
  for (let at = 1; at < order.length; at++) {
    const { id } = list[order[at]!]!
    if (id === list[order[at - 1]!]!.id) throw edgeError('BAD_MARKET', `${what} ${id} is there twice`)
  }
  return Uint32Array.from(order)
}
