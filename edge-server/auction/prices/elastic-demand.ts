import type { Random } from '@isthmus/models/data'

/** Users of a class who buy when the price is not above what a unit is worth to them. */
export interface ElasticDemand {
  readonly capacity: number
  /** What a unit is worth to each user; each asks for one unit. */
  readonly worth: readonly number[]
  /** Chance that a user asks at all in a round. */
  readonly activity: number
}

/** A class of resources whose demand, at a price of 0, is `pressure` times its capacity. */
export function elasticDemand(
  capacity: number,
  pressure: number,
  highestWorth: number,
  random: Random,
  activity = 0.8,
): ElasticDemand {
  const users = Math.round((capacity * pressure) / activity)
  return { capacity, activity, worth: Array.from({ length: users }, () => highestWorth * random.uniform()) }
}

/** What is asked for in a round at a price, as a share of the capacity. */
export function utilisationAt(
  { capacity, worth, activity }: ElasticDemand,
  price: number,
  random: Random,
): number {
  let asked = 0
  for (const value of worth) if (random.uniform() < activity && value >= price) asked++
  return asked / capacity
}
