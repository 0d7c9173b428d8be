import { edgeError } from '../../errors.ts'
import { KINDS, type MarketColumns, type RequestColumns, type ResourceColumns } from './columns.ts'

/** Resources of a cluster, where nobody says how many clusters there are to be. */
export const CLUSTER_RESOURCES = 64

/** How much a standard deviation of size counts against one of location. */
export const SIZE_SCALE = 0.02

export interface ClusterOptions {
  /** How many. Default: one for each 64 resources, or part of them. Resources that are all alike stay together. */
  readonly clusters?: number
  /** How much a standard deviation of size counts against one of location. Default 0.02. */
  readonly sizeScale?: number
}

/** Who belongs together: every request and every resource to one cluster. */
export interface Clusters {
  readonly count: number
  /** By cluster, requests in their order: those of cluster c are `requestStarts[c]` to `requestStarts[c + 1]`. */
  readonly requestStarts: Uint32Array
  readonly requests: Uint32Array
  readonly resourceStarts: Uint32Array
  readonly resources: Uint32Array
}

/**
 * Cuts the market in two, and the parts again, until there are as many clusters as wanted: each time along the feature in
 * which the resources of the part differ most (east, north, or size), so that each side has its share of the resources.
 * Location is standardised with one scale for both axes, sizes among requests and among resources apart. There is no
 * chance in it. Throws `NO_CLUSTERS` for a market without resources, and for no clusters.
 */
export function clustersOf(columns: MarketColumns, options: ClusterOptions = {}): Clusters {
  const resources = columns.resources.count
  const wanted = options.clusters ?? Math.ceil(resources / CLUSTER_RESOURCES)
  if (resources === 0) throw edgeError('NO_CLUSTERS', 'The market has no resources')
  if (!(Number.isInteger(wanted) && wanted > 0)) {
    throw edgeError('NO_CLUSTERS', `The market cannot be cut into ${wanted} clusters`)
  }
  const { ofRequests, ofResources } = featuresOf(columns, options.sizeScale ?? SIZE_SCALE)
  const requestLists: Uint32Array[] = []
  const resourceLists: Uint32Array[] = []

  const cut = (ours: Uint32Array, theirs: Uint32Array, parts: number): void => {
    const feature = widest(ofResources, ours)
    if (parts === 1 || ours.length === 1 || feature === undefined) {
      resourceLists.push(ours.sort())
      requestLists.push(theirs)
      return
    }
    const values = ofResources[feature]!
    const sorted = ours.sort((a, b) => values[a]! - values[b]! || a - b)
    const left = Math.floor(parts / 2)
    const at = Math.min(sorted.length - 1, Math.max(1, Math.round((sorted.length * left) / parts)))
    const border = (values[sorted[at - 1]!]! + values[sorted[at]!]!) / 2
    const wishes = ofRequests[feature]!
    const isLeft = (request: number) => wishes[request]! < border
    cut(sorted.slice(0, at), theirs.filter(isLeft), left)
    cut(
      sorted.slice(at),
      theirs.filter((request) => !isLeft(request)),
      parts - left,
    )
  }
  cut(counted(resources), counted(columns.requests.count), Math.min(wanted, resources))
  return {
    count: resourceLists.length,
    ...joined(requestLists, (requestStarts, requests) => ({ requestStarts, requests })),
    ...joined(resourceLists, (resourceStarts, list) => ({ resourceStarts, resources: list })),
  }
}

type Features = readonly Float64Array[]

function featuresOf({ requests, resources }: MarketColumns, sizeScale: number) {
  const metre = Math.sqrt((spread(resources.x) ** 2 + spread(resources.y) ** 2) / 2) || 1
  const unit = Array.from({ length: KINDS }, (_, kind) => {
    let sum = 0
    for (let j = 0; j < resources.count; j++) sum += resources.capacity[j * KINDS + kind]!
    return sum / resources.count || 1
  })
  const of = (side: RequestColumns | ResourceColumns, amounts: Float64Array): Features => {
    const sizes = new Float64Array(side.count)
    for (let at = 0; at < side.count; at++) {
      for (let kind = 0; kind < KINDS; kind++) sizes[at]! += amounts[at * KINDS + kind]! / unit[kind]!
    }
    const scale = sizeScale / (spread(sizes) || 1)
    const middle = mean(sizes)
    return [
      side.x.map((x) => x / metre),
      side.y.map((y) => y / metre),
      sizes.map((size) => (size - middle) * scale),
    ]
  }
  return { ofRequests: of(requests, requests.demand), ofResources: of(resources, resources.capacity) }
}

/** The feature in which the members differ most; undefined: they are all alike. */
function widest(features: Features, members: Uint32Array): number | undefined {
  let found: number | undefined
  let most = 0
  for (const [at, values] of features.entries()) {
    const wide = spread(values, members)
    if (wide > most) [found, most] = [at, wide]
  }
  return found
}

function mean(values: Float64Array, members: ArrayLike<number> = values): number {
  let sum = 0
  const all = members === values
  for (let k = 0; k < members.length; k++) sum += all ? values[k]! : values[members[k]!]!
  return sum / members.length
}

/** Standard deviation. */
function spread(values: Float64Array, members: ArrayLike<number> = values): number {
  const middle = mean(values, members)
  const all = members === values
  let sum = 0
  for (let k = 0; k < members.length; k++) sum += ((all ? values[k]! : values[members[k]!]!) - middle) ** 2
  return Math.sqrt(sum / members.length)
}

const counted = (length: number): Uint32Array => new Uint32Array(length).map((_, at) => at)

function joined<T>(lists: readonly Uint32Array[], as: (starts: Uint32Array, all: Uint32Array) => T): T {
  const starts = new Uint32Array(lists.length + 1)
  for (const [at, list] of lists.entries()) starts[at + 1] = starts[at]! + list.length
  const all = new Uint32Array(starts[lists.length]!)
  for (const [at, list] of lists.entries()) all.set(list, starts[at]!)
  return as(starts, all)
}
