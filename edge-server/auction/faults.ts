import { edgeError } from '../errors.ts'
import { type Amounts, amountNames, type Market, type Place, type Request, type Resource } from './market.ts'

/** Larger numbers than this are taken for mistakes or attacks: sums of them would no longer be exact. */
export const LARGEST = 1e12

const isAmount = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= LARGEST
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1
const isPlace = (place: Place): boolean => Math.abs(place?.x) <= LARGEST && Math.abs(place?.y) <= LARGEST
const areAmounts = (amounts: Amounts): boolean =>
  Array.isArray(amounts) && amounts.length === amountNames.length && amounts.every(isAmount)
const isName = (name: unknown): boolean => typeof name === 'string' && name.length > 0

/** The first thing wrong with the numbers of a request, in words; null: nothing. */
export function requestFault(request: Request): string | null {
  if (!isName(request?.id)) return 'id is a name'
  if (!isName(request.requester)) return 'requester is a name'
  if (!areAmounts(request.demand)) return `demand is ${amountNames.length} amounts from 0 to ${LARGEST}`
  if (!isAmount(request.bid)) return `bid is a number from 0 to ${LARGEST}`
  if (!isShare(request.priority)) return 'priority is a number from 0 to 1'
  if (!isShare(request.needs?.reliability)) return 'needs.reliability is a number from 0 to 1'
  if (!isShare(request.needs.availability)) return 'needs.availability is a number from 0 to 1'
  const { latencyMs } = request.needs
  if (!(latencyMs >= 0)) return 'needs.latencyMs is a number from 0 on'
  if (!isPlace(request.place)) return 'place is two finite coordinates'
  if (request.kind !== undefined && !isName(request.kind)) return 'kind is a name, or left out'
  return null
}

/** The same of a resource. */
export function resourceFault(resource: Resource): string | null {
  if (!isName(resource?.id)) return 'id is a name'
  if (!isName(resource.kind)) return 'kind is a name'
  if (!areAmounts(resource.capacity)) return `capacity is ${amountNames.length} amounts from 0 to ${LARGEST}`
  if (!isAmount(resource.unitCost)) return `unitCost is a number from 0 to ${LARGEST}`
  if (!isShare(resource.reliability)) return 'reliability is a number from 0 to 1'
  if (!isShare(resource.availability)) return 'availability is a number from 0 to 1'
  if (!isShare(resource.energy)) return 'energy is a number from 0 to 1'
  if (!isPlace(resource.place)) return 'place is two finite coordinates'
  return null
}

/** Throws `BAD_MARKET` for the first fault, and for two requests or two resources with one id. */
export function checkMarket({ requests, resources }: Market): void {
  const check = <T extends { readonly id: string }>(
    list: readonly T[],
    what: string,
    faultOf: (one: T) => string | null,
  ): void => {
    const seen = new Set<string>()
    for (const [at, one] of list.entries()) {
      const fault = faultOf(one)
      if (fault !== null) throw edgeError('BAD_MARKET', `${what} ${one?.id ?? `number ${at}`}: ${fault}`)
      if (seen.has(one.id)) throw edgeError('BAD_MARKET', `${what} ${one.id} is there twice`)
      seen.add(one.id)
    }
  }
  check(requests, 'Request', requestFault)
  check(resources, 'Resource', resourceFault)
}
