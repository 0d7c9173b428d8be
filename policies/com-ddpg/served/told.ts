import { MAX_TOLD_SERVERS, MAX_TOLD_VALUES } from '@isthmus/proto'

/** What an agent tells the others: one signed byte a value, v / 127. Servers go by key, so that their order and number may differ. */
export interface Told {
  /** Names the network: {@link networkKey}. */
  readonly network: number
  /** Keys of the sender's servers, each once; its own device is place 0, these are places 1, 2, … */
  readonly servers: readonly number[]
  /** `[servers, message]`: of work that it has sent. Empty: none that counts. */
  readonly sent: Int8Array
  /** `[1 + servers, message]`: it decides now. Empty: it does not. */
  readonly deciding: Int8Array
  /** Bit n: what it decides on may run at place n. */
  readonly allowed: number
}

const LARGEST = 127

/** Whether it says nothing: neither that it decides, nor of work that it has sent. */
export const saysNothing = ({ sent, deciding }: Told): boolean => sent.length === 0 && deciding.length === 0

/** Values from −1 to 1 as signed bytes; NaN is 0. */
export function coded(values: Float64Array): Int8Array {
  return Int8Array.from(values, (value) => Math.round(LARGEST * Math.min(1, Math.max(-1, value))) || 0)
}

/** The values of signed bytes, from −1 to 1. */
export function decoded(bytes: Int8Array): Float64Array {
  return Float64Array.from(bytes, (byte) => Math.max(-1, byte / LARGEST))
}

/** Looks at nothing but numbers: what else there may be can have conversions of its own, which throw. */
const isUint32 = (value: unknown): boolean => typeof value === 'number' && value === value >>> 0

/** Whether something that came from elsewhere is a message with so many values a place. */
export function isTold(told: Told, values: number): boolean {
  if (typeof told !== 'object' || told === null) return false
  const { servers, sent, deciding, allowed } = told
  if (!Array.isArray(servers) || servers.length > MAX_TOLD_SERVERS || values > MAX_TOLD_VALUES) return false
  if (new Set(servers).size < servers.length || !servers.every(isUint32)) return false
  const fits = (bytes: Int8Array, places: number) =>
    bytes instanceof Int8Array && (bytes.length === 0 || bytes.length === places * values)
  return isUint32(allowed) && fits(sent, servers.length) && fits(deciding, 1 + servers.length)
}
