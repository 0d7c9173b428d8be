import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RoundBound } from './clearing-thread.ts'
import type { EndOfLease, RoundFigures } from './market-options.ts'

/** What the gauges show when they are asked. */
export interface MarketGauges {
  readonly leads: () => boolean
  readonly leases: () => number
  readonly bids: () => number
  readonly free: () => readonly number[]
  /** By kind of server. */
  readonly prices: () => Readonly<Record<string, number>>
}

const PREFIX = 'isthmus_edge_market_'
const ROUND_BUCKETS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000]
const amounts = ['cpu', 'memory', 'accelerator', 'bandwidth'] as const

/** Rounds, leases and prices of the market, in the server's registry. */
export class MarketMetrics {
  readonly #rounds: Counter
  readonly #bids: Counter<'outcome'>
  readonly #revenue: Counter
  readonly #roundMs: Histogram
  readonly #rejected: Counter<'reason'>
  readonly #granted: Counter
  readonly #refused: Counter<'reason'>
  readonly #ended: Counter<'why'>
  readonly #terms: Counter
  readonly #fallbacks: Counter
  readonly #gap: Gauge

  constructor(registry: Registry, gauges: MarketGauges) {
    const registers = [registry]
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
      new Counter({ name: PREFIX + name, help, labelNames, registers })
    this.#rounds = counter('rounds_total', 'Rounds that this server has cleared')
    this.#bids = counter('bids_total', 'Bids in those rounds', ['outcome'])
    this.#revenue = counter('payments_total', 'Sum of the payments of those rounds')
    this.#rejected = counter('rejected_total', 'Bids turned away before their round', ['reason'])
    this.#granted = counter('leases_total', 'Leases granted on this server')
    this.#refused = counter('refused_total', 'Grants that this server refused', ['reason'])
    this.#ended = counter('leases_ended_total', 'Leases of this server that ended', ['why'])
    this.#fallbacks = counter(
      'fallbacks_total',
      'Rounds under vcg that took too long, and were cleared by critical',
    )
    this.#terms = counter('terms_total', 'Times that this server was elected auctioneer')
    const gap = 'By how much of the best possible utility the last bounded round may have missed it'
    this.#gap = new Gauge({ name: `${PREFIX}gap`, help: gap, registers })
    const help = 'From the close of a round until all its awards were on their way'
    this.#roundMs = new Histogram({ name: `${PREFIX}round_ms`, help, buckets: ROUND_BUCKETS_MS, registers })
    for (const outcome of ['won', 'lost']) this.#bids.inc({ outcome }, 0)
    for (const why of ['expired', 'released', 'offline', 'not-kept']) this.#ended.inc({ why }, 0)
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    gauge('leads', '1 while this server holds the auctions', () => Number(gauges.leads()))
    gauge('leases', 'Leases of this server', gauges.leases)
    gauge('bids_waiting', 'Bids that wait for the end of a round', gauges.bids)
    new Gauge({
      name: `${PREFIX}free`,
      help: 'What no lease of this server holds',
      labelNames: ['amount'],
      registers,
      collect() {
        for (const [at, amount] of amounts.entries()) this.set({ amount }, gauges.free()[at]!)
      },
    })
    new Gauge({
      name: `${PREFIX}price`,
      help: 'Price of a unit of demand, by kind of server',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const [kind, price] of Object.entries(gauges.prices())) this.set({ kind }, price)
      },
    })
  }

  elected(leads: boolean): void {
    if (leads) this.#terms.inc()
  }

  cleared({ bids, winners, revenue, isFallback, tookMs }: RoundFigures): void {
    this.#rounds.inc()
    if (isFallback) this.#fallbacks.inc()
    this.#bids.inc({ outcome: 'won' }, winners)
    this.#bids.inc({ outcome: 'lost' }, bids - winners)
    this.#revenue.inc(revenue)
    this.#roundMs.observe(tookMs)
  }

  bounded({ gap }: RoundBound): void {
    this.#gap.set(gap)
  }

  rejected(reason: string): void {
    this.#rejected.inc({ reason })
  }

  granted(): void {
    this.#granted.inc()
  }

  refused(reason: string): void {
    this.#refused.inc({ reason })
  }

  ended(why: EndOfLease): void {
    this.#ended.inc({ why })
  }
}
