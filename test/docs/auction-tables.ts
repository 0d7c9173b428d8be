import { table } from './markdown-table.ts'
import { shown } from './split-tables.ts'

interface MethodRow {
  readonly method: string
  readonly value: number
  readonly winners: number
  readonly demand: number
  readonly jain: { readonly requests: number; readonly requesters: number; readonly winners: number }
}

interface HonestyRow {
  readonly rule: string
  readonly markets: number
  readonly misreports: number
  readonly lies: number
  readonly largestGain: number
}

/** What docs/results.md takes from the stored result of suite `auction`. */
export interface StoredAuction {
  readonly detail: {
    readonly fixture?: {
      readonly requests: number
      readonly resources: number
      readonly shared: { readonly upperBound: number; readonly gap: number }
      readonly exclusiveRows: readonly MethodRow[]
      readonly sharedRows: readonly MethodRow[]
    }
    readonly honesty?: readonly HonestyRow[]
  }
}

const methods = (rows: readonly MethodRow[]): string[] =>
  table(
    ['', 'utility', 'served', 'demand served', 'Jain, requests', 'Jain, requesters', 'Jain, winners'],
    rows.map(({ method, value, winners, demand, jain }) => [
      method,
      value.toFixed(2),
      String(winners),
      demand.toFixed(1),
      jain.requests.toFixed(4),
      jain.requesters.toFixed(4),
      jain.winners.toFixed(4),
    ]),
  )

/** Below the figures of suite `auction`: methods by one utility, and lies by rule of payment. */
export function auctionSections({ detail: { fixture, honesty } }: StoredAuction): string[] {
  return [
    ...(fixture === undefined
      ? []
      : [
          `MOHAF's market of ${fixture.requests} requests and ${fixture.resources} resources, every method scored by the same utility. One request for each resource:`,
          '',
          ...methods(fixture.exclusiveRows),
          `Capacity shared; no allocation is worth more than ${fixture.shared.upperBound.toFixed(2)}; local search is within ${(100 * fixture.shared.gap).toFixed(2)} % of that:`,
          '',
          ...methods(fixture.sharedRows),
        ]),
    ...(honesty === undefined
      ? []
      : [
          'Bids other than the true one that paid, by rule of payment:',
          '',
          ...table(
            ['', 'bids tried', 'profitable', 'largest gain'],
            honesty.map(({ rule, markets, misreports, lies, largestGain }) => [
              rule,
              String(markets * misreports),
              String(lies),
              shown(largestGain),
            ]),
          ),
        ]),
  ]
}
