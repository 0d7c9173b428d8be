import { readFile, rename, writeFile } from 'node:fs/promises'
import type { FairnessState, PriceState } from '../auction/index.ts'

/** What rounds leave for those after them. */
export interface HouseState {
  readonly prices: PriceState
  readonly fairness: FairnessState
}

const MOST = 1e12
/** Rounds beyond this are a mistake: the number of the next one has to fit into a message. */
const MOST_ROUNDS = 2 ** 31

/**
 * A state as bytes of JSON, at most so many. Where there are too many requesters, those who have had least are left out: it matters least
 * that they are taken for new.
 */
export function packHouse({ prices, fairness }: HouseState, mostBytes: number): Uint8Array {
  const encoder = new TextEncoder()
  const pack = (shares: FairnessState['shares']) =>
    encoder.encode(JSON.stringify({ prices, fairness: { shares } }))
  const whole = pack(fairness.shares)
  if (whole.length <= mostBytes) return whole
  let left = mostBytes - pack({}).length
  const most = Object.entries(fairness.shares).sort(([, a], [, b]) => b - a)
  const kept = most.filter((entry) => {
    // As long as it is in an object: a colon for the comma, and a comma for the brackets.
    left -= encoder.encode(JSON.stringify(entry)).length - 1
    return left >= 0
  })
  return pack(Object.fromEntries(kept))
}

/** Reads what `JSON.stringify` has made of a state; undefined when it is none. */
export function parseHouse(text: string): HouseState | undefined {
  try {
    const { prices, fairness } = JSON.parse(text)
    if (!areNumbers(prices.prices, MOST) || !areNumbers(fairness.shares, 1)) return undefined
    if (!Number.isSafeInteger(prices.round) || prices.round < 0 || prices.round > MOST_ROUNDS)
      return undefined
    return {
      prices: { prices: prices.prices, round: prices.round },
      fairness: { shares: fairness.shares },
    }
  } catch {
    return undefined
  }
}

/** What an earlier life has left; `damaged`: there is a file, but it says nothing. Undefined: there is none. */
export async function readHouse(path: string): Promise<HouseState | 'damaged' | undefined> {
  const text = await readFile(path, 'utf8').catch((error) => (error.code === 'ENOENT' ? undefined : ''))
  return text === undefined ? undefined : (parseHouse(text) ?? 'damaged')
}

/** Replaces the file whole. */
export async function writeHouse(path: string, state: HouseState): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}

function areNumbers(record: unknown, most: number): record is Record<string, number> {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return false
  return Object.values(record).every((value) => typeof value === 'number' && value >= 0 && value <= most)
}
