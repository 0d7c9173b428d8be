import type { Bid } from '@isthmus/proto'
import { type Rejection, reject } from './reasons.ts'

/** Largest amount or price that is believed. */
const MOST = 1e9
const LARGEST_KM = 1e6
const LONGEST_MS = 3_600_000

/**
 * What is wrong with a bid in itself; undefined when nothing is. That its numbers are finite was seen to when it was read, but
 * this holds whoever made it.
 */
export function checkBid(bid: Omit<Bid, 'kind'>): Rejection | undefined {
  const { demand, price, priority, reliability, availability, latencyMs, x, y, validMs } = bid
  if (!demand.every((amount) => within(amount, 0, MOST))) {
    return reject('bad-demand', `The demand is [${demand}]`)
  }
  if (demand.every((amount) => amount === 0)) return reject('bad-demand', 'The bid asks for nothing')
  if (!within(price, 0, MOST)) return reject('bad-price', `The price is ${price}`)
  if (![priority, reliability, availability].every((part) => within(part, 0, 1))) {
    return reject(
      'bad-needs',
      `Priority, reliability, availability: ${priority}, ${reliability}, ${availability}`,
    )
  }
  if (!(latencyMs >= 0)) return reject('bad-needs', `The latency is ${latencyMs} ms`)
  if (![x, y].every((km) => within(km, -LARGEST_KM, LARGEST_KM))) {
    return reject('bad-place', `The place is ${x}, ${y}`)
  }
  if (!within(validMs, 1, LONGEST_MS)) return reject('bad-validity', `The bid is valid for ${validMs} ms`)
  return undefined
}

/** False for NaN. */
const within = (value: number, least: number, most: number): boolean => value >= least && value <= most
