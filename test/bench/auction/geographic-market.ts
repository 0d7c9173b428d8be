import type { Market, Request, Resource } from '@isthmus/edge-server/auction'
import { seededRandom } from '@isthmus/models/data'

const KINDS = ['cpu', 'gpu', 'tpu'] as const

/** Side of the map at 2,500 resources, km. Other markets have maps of the same density. */
const SIDE_KM = 400
const RESOURCES_PER_TOWN = 50

/**
 * A country: towns are Gaussian clumps, of very different sizes, where both requests and resources are; one in ten lies in the
 * open. Requests reach 10 to 50 km (their latency need). About half as much CPU again is asked for as there is.
 */
export function geographicMarket(requests: number, resources: number, seed: number): Market {
  const random = seededRandom(seed, requests, resources)
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  const side = SIDE_KM * Math.sqrt(resources / 2500)
  const towns = Array.from({ length: Math.max(1, Math.round(resources / RESOURCES_PER_TOWN)) }, () => ({
    x: between(0, side),
    y: between(0, side),
    sigma: between(2, 12),
    weight: between(0.2, 1) ** 3,
  }))
  const upTo: number[] = []
  let people = 0
  for (const { weight } of towns) {
    people += weight
    upTo.push(people)
  }
  const townOf = (draw: number) => {
    let [low, high] = [0, upTo.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (upTo[middle]! > draw) high = middle
      else low = middle + 1
    }
    return towns[low]!
  }
  const place = () => {
    if (random.uniform() < 0.1) return { x: between(0, side), y: between(0, side) }
    const { x, y, sigma } = townOf(random.uniform() * people)
    return { x: x + sigma * random.normal(), y: y + sigma * random.normal() }
  }
  const kind = () => KINDS[random.uniform() < 0.7 ? 0 : random.uniform() < 0.7 ? 1 : 2]!
  const resource = (at: number): Resource => {
    const own = kind()
    return {
      id: `r${at}`,
      kind: own,
      capacity: [between(4, 16), between(8, 64), own === 'cpu' ? 0 : between(1, 4), between(100, 1000)],
      unitCost: between(0.01, 0.05),
      reliability: between(0.95, 1),
      availability: between(0.95, 1),
      energy: between(0.3, 1),
      place: place(),
    }
  }
  const request = (at: number): Request => {
    const own = random.uniform() < 0.3 ? kind() : undefined
    const size = Math.exp(0.6 * random.normal())
    return {
      id: `q${at}`,
      requester: `u${random.below(Math.max(1, requests >> 3))}`,
      demand: [
        3.2 * size,
        4 * size * between(0.5, 2),
        own === 'gpu' || own === 'tpu' ? between(0.1, 1) : 0,
        between(1, 100),
      ],
      bid: between(1, 10) * size,
      priority: between(0, 1),
      needs: {
        reliability: between(0.9, 0.97),
        availability: between(0.9, 0.97),
        latencyMs: between(0.1, 0.5),
      },
      place: place(),
      ...(own && { kind: own }),
    }
  }
  return {
    resources: Array.from({ length: resources }, (_, at) => resource(at)),
    requests: Array.from({ length: requests }, (_, at) => request(at)),
  }
}
