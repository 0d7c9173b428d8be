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
    readonly replay?: {
      readonly seeds: readonly number[]
      readonly loads: readonly ReplayedLoad[]
    }
  }
}

interface ReplayedLoad {
  readonly load: number
  readonly valueVsBest: number
  readonly interval95: readonly [number, number]
  readonly methods: readonly {
    readonly name: string
    readonly value: number
    readonly served: number
    readonly jain: number
  }[]
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

const replayed = ({ load, valueVsBest, interval95: [low, high], methods }: ReplayedLoad): string[] => [
  `Load ${load}: the auction's utility is ${valueVsBest.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}) of the best baseline's of each seed.`,
  '',
  ...table(
    ['', 'utility', 'tasks served, %', 'Jain, requesters'],
    methods.map(({ name, value, served, jain }) => [
      name,
      value.toFixed(0),
      (100 * served).toFixed(1),
      jain.toFixed(3),
    ]),
  ),
]

const picture = (name: string, text: string, figures: readonly string[]): string[] =>
  figures.includes(name) ? [`![${text}](figures/${name})`, ''] : []

/** Below the figures of suite `auction`: methods by one utility, lies by rule of payment, a day of the trace. */
export function auctionSections(
  { detail: { fixture, honesty, replay } }: StoredAuction,
  figures: readonly string[] = [],
): string[] {
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
    ...(replay === undefined
      ? []
      : [
          `A day of the task trace, means of ${replay.seeds.length} seeds; 95 % intervals over the seeds.`,
          '',
          ...replay.loads.flatMap(replayed),
        ]),
    ...picture(
      'auction-day.svg',
      'CPU in use, its price and fairness over a simulated day, by method',
      figures,
    ),
    ...picture('auction-scaling.svg', 'Time of a clearing against the number of requests', figures),
  ]
}
