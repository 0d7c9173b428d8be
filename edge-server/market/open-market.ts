import { join } from 'node:path'
import { IsthmusError } from '@isthmus/proto'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { EdgeConfig } from '../config/schema.ts'
import { edgeError } from '../errors.ts'
import { type KeptFolder, keepFolder, makeFolder } from '../kept-folder.ts'
import { AuctionHouse } from './auction-house.ts'
import { ClearingThread } from './clearing-thread.ts'
import { readHouse, writeHouse } from './house-state.ts'
import { noJournal } from './journal.ts'
import type { LedgerEntry } from './lease-ledger.ts'
import { LeaseLog } from './lease-log.ts'
import { MarketMetrics } from './market-metrics.ts'
import { MarketNode } from './market-node.ts'
import type { MarketNodeOptions, MarketObserver, MarketRules, Offer } from './market-options.ts'

export interface OpenMarketOptions extends Pick<MarketNodeOptions, 'epoch' | 'clock' | 'send'> {
  readonly config: EdgeConfig
  readonly registry: Registry
  readonly log: Logger
  /** This server holds the auctions from now on, or not any more. */
  readonly onElected: (leads: boolean) => void
  /** Something that clients can bring about, and that must not fill the disk. */
  readonly warn: (fields: Readonly<Record<string, string>>, message: string) => void
}

/** The market of a running server. */
export interface OpenMarket {
  readonly node: MarketNode
  close(): Promise<void>
}

/** A lease is held for its device for so many rounds, and at least for so long. */
const HOLD_ROUNDS = 3
const LEAST_HOLD_MS = 1000
const PRICE_RANGE = { least: 0, most: 100 }

/**
 * Reads what an earlier life has left and makes this server a part of the market. Throws MARKET_UNKEPT, and FOLDER_IN_USE where a server of this
 * id keeps its leases already.
 */
export async function openMarket(options: OpenMarketOptions): Promise<OpenMarket> {
  const { marketDir, id } = options.config
  if (marketDir === undefined) return openKept(options, undefined)
  const folder = await kept(async () => {
    await makeFolder(marketDir)
    return keepFolder(marketDir, id)
  })
  try {
    return await openKept(options, folder)
  } catch (error) {
    await folder.release()
    throw error
  }
}

async function openKept(options: OpenMarketOptions, folder: KeptFolder | undefined): Promise<OpenMarket> {
  const { config, registry, log, epoch, clock, send } = options
  const { marketDir, id, site, roundMs, market: payment } = config
  const leasesPath = marketDir && join(marketDir, `${id}.leases`)
  const housePath = marketDir && join(marketDir, `${id}.market.json`)
  const { entries, damaged } = leasesPath ? await kept(() => LeaseLog.read(leasesPath)) : nothing
  if (damaged > 0) log.error({ damaged, file: leasesPath }, 'lines of the leases could not be read')

  const left = housePath ? await readHouse(housePath) : undefined
  if (left === 'damaged')
    log.error({ file: housePath }, 'prices and shares could not be read: they begin anew')

  const thread = new ClearingThread({ onBound: (bound) => metrics.bounded(bound) })
  const house = new AuctionHouse({
    payment: payment === 'off' ? 'critical' : payment,
    prices: PRICE_RANGE,
    loads: () => node.loads,
    timeLimitMs: roundMs / 2,
    clearRound: (market, options = {}) => thread.clear(market, options),
    ...(typeof left === 'object' ? { state: left } : {}),
  })
  const metrics = new MarketMetrics(registry, {
    leads: () => node.leads,
    leases: () => node.ledger.size,
    bids: () => node.bids,
    free: () => node.ledger.free,
    prices: () => house.prices,
  })
  let saving: Promise<void> | undefined
  const save = (): void => {
    if (housePath === undefined || saving !== undefined) return
    saving = writeHouse(housePath, house.state)
      .catch((error) => log.error({ reason: String(error) }, 'prices could not be written down'))
      .then(() => {
        saving = undefined
      })
  }
  let journal: LeaseLog | undefined
  const node: MarketNode = new MarketNode({
    site,
    id,
    epoch,
    clock,
    send,
    rules: rulesOf(config),
    offer: offerOf(config),
    clear: (market) => house.clear(market),
    memory: house,
    journal: leasesPath ? { write: (some) => journal!.write(some) } : noJournal,
    entries,
    observer: observerOf(options, metrics, thread, save),
  })
  if (leasesPath) journal = await kept(() => LeaseLog.open(leasesPath, () => node.ledger.snapshot()))
  return {
    node,
    close: async () => {
      node.close()
      await thread.close()
      await saving
      await journal?.close()
      await folder?.release()
    },
  }
}

/** The rules that a server's settings make. */
export function rulesOf({
  roundMs,
  leaseMs,
  tenureMs,
  maxDevices,
}: Pick<EdgeConfig, 'roundMs' | 'leaseMs' | 'tenureMs' | 'maxDevices'>): MarketRules {
  return {
    roundMs,
    leaseMs,
    tenureMs,
    holdMs: Math.min(leaseMs, Math.max(LEAST_HOLD_MS, HOLD_ROUNDS * roundMs)),
    maxBids: maxDevices,
    maxDevices,
    // A device renews up to nine times in a lease.
    perRound: Math.max(8, Math.ceil((9 * roundMs) / leaseMs)),
    maxOpen: 4,
  }
}

const nothing: { readonly entries: readonly LedgerEntry[]; readonly damaged: number } = {
  entries: [],
  damaged: 0,
}

function offerOf({ offer, workers, queue, marketShare }: EdgeConfig): Offer {
  const { kind, cpu = workers, memory, accelerator, bandwidth, x, y, ...scores } = offer
  const capacity = [cpu, memory, accelerator, bandwidth].map((amount) => amount * marketShare)
  return { kind, capacity, credits: Math.max(1, Math.floor(queue * marketShare)), place: { x, y }, ...scores }
}

function observerOf(
  { log, warn, onElected }: OpenMarketOptions,
  metrics: MarketMetrics,
  thread: ClearingThread,
  save: () => void,
): MarketObserver {
  return {
    elected: (leads, { number: term, holder }) => {
      metrics.elected(leads)
      if (leads) thread.open()
      log.info({ leads, term, holder }, 'auctioneer')
      onElected(leads)
    },
    cleared: (figures) => {
      metrics.cleared(figures)
      const { round, bids, winners, revenue, isFallback, tookMs } = figures
      if (bids > 0) log.debug({ round, bids, winners, revenue, tookMs }, 'round cleared')
      if (isFallback) warn({ round: `${round}` }, 'vcg had no time; the round was cleared by critical')
      if (bids > 0) save()
    },
    rejected: (device, reason, detail) => {
      metrics.rejected(reason)
      warn({ device, reason, detail }, 'bid turned away')
    },
    granted: () => metrics.granted(),
    refused: (reason) => metrics.refused(reason),
    ended: (_, why) => metrics.ended(why),
    journalFailed: (error) => log.error({ reason: String(error) }, 'leases could not be written down'),
    clearingFailed: (error) => log.error({ reason: String(error) }, 'a round could not be cleared'),
  }
}

async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof IsthmusError) throw error
    const detail = `Leases cannot be kept: ${error instanceof Error ? error.message : String(error)}`
    throw edgeError('MARKET_UNKEPT', detail, error)
  }
}
