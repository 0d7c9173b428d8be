import { edgeError } from '../../errors.ts'

/** Prices of classes of resources, as plain data that can be stored and read back. */
export interface PriceState {
  /** By class: price of a unit of demand. */
  readonly prices: Readonly<Record<string, number>>
  /** Rounds that have passed. */
  readonly round: number
}

export interface PriceOptions {
  /** Utilisation that is aimed at, a share of the capacity. Default 0.75. */
  readonly target?: number
  /** Lowest and highest price, money for a unit of demand. */
  readonly least: number
  readonly most: number
  /**
   * First step, as a share of the price range for a utilisation that is off by 1. Default 0.25. Steps shrink with the root of
   * the round's number down to a tenth, so that prices settle and still follow a demand that changes.
   */
  readonly step?: number
}

function checked({ target = 0.75, least, most, step = 0.25 }: PriceOptions): Required<PriceOptions> {
  if (!(target > 0 && target < 1)) throw edgeError('BAD_MARKET', `target is between 0 and 1, not ${target}`)
  if (!(least >= 0 && least < most && most <= 1e12)) {
    throw edgeError(
      'BAD_MARKET',
      `Prices go from 0 or more to something higher, not from ${least} to ${most}`,
    )
  }
  if (!(step > 0 && step <= 10))
    throw edgeError('BAD_MARKET', `step is more than 0 and at most 10, not ${step}`)
  return { target, least, most, step }
}

/** Prices to begin with; a price outside the bounds is moved into them. */
export function firstPrices(prices: Readonly<Record<string, number>>, options: PriceOptions): PriceState {
  const { least, most } = checked(options)
  return { prices: mapped(prices, (price) => clip(price, least, most)), round: 0 }
}

/**
 * The prices after a round, by a projected subgradient step on the dual of the capacities: price + step × (load / capacity -
 * target), within the bounds. They stand before the next round's bids are seen, so that posted prices stay truthful.
 *
 * @param utilisation by class: load as a share of capacity, 0 … 1 and more where demand is counted that did not fit. Classes
 *   that are missing keep their price
 */
export function nextPrices(
  { prices, round }: PriceState,
  utilisation: Readonly<Record<string, number>>,
  options: PriceOptions,
): PriceState {
  const { target, least, most, step } = checked(options)
  const stride = step * (most - least) * Math.max(0.1, 1 / Math.sqrt(round + 1))
  return {
    prices: mapped(prices, (price, name) => {
      if (!Object.hasOwn(utilisation, name)) return price
      const used = utilisation[name]!
      if (!(used >= 0 && used <= 1e12)) {
        throw edgeError('BAD_MARKET', `Utilisation of ${name} is a share from 0 on, not ${used}`)
      }
      return clip(price + stride * (used - target), least, most)
    }),
    round: round + 1,
  }
}

const clip = (price: number, least: number, most: number): number =>
  price >= least ? Math.min(price, most) : least

const mapped = (
  values: Readonly<Record<string, number>>,
  change: (value: number, name: string) => number,
): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))
