import type { Random } from '@isthmus/models/data'
import type { Market } from './market.ts'

/**
 * A market from a random source, for experiments: all four kinds of amounts, two kinds of servers on a map of 100 km by 100 km,
 * some of which some requests cannot use.
 */
export function randomMarket(random: Random, requests: number, resources: number): Market {
  const place = () => ({ x: 100 * random.uniform(), y: 100 * random.uniform() })
  const amounts = (most: number) => Array.from({ length: 4 }, () => Math.ceil(most * random.uniform()) / 2)
  return {
    requests: Array.from({ length: requests }, (_, at) => ({
      id: `q${at}`,
      requester: `u${random.below(1 + requests)}`,
      demand: amounts(4),
      bid: 20 * random.uniform(),
      priority: random.uniform(),
      needs: { reliability: 0.3 * random.uniform(), availability: 0.3 * random.uniform(), latencyMs: 1 },
      place: place(),
      ...(random.uniform() < 0.2 ? { kind: 'gpu' } : {}),
    })),
    resources: Array.from({ length: resources }, (_, at) => ({
      id: `r${at}`,
      kind: random.uniform() < 0.5 ? 'gpu' : 'edge',
      capacity: amounts(12),
      unitCost: 0.1 + random.uniform(),
      reliability: random.uniform(),
      availability: random.uniform(),
      energy: random.uniform(),
      place: place(),
    })),
  }
}
