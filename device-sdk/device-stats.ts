import type { LinkEstimate, Route } from '@isthmus/policies'
import type { AdaptationStats } from './adaptation/adaptation.ts'
import type { LinkCounters } from './exchange.ts'
import type { FallbackCode } from './fallback.ts'
import type { BidderCounters } from './market/bidder.ts'

/** Counted since the device was made. */
export interface DeviceStats {
  readonly frames: number
  readonly answered: Readonly<Record<Route, number>>
  readonly fallbacks: Readonly<Partial<Record<FallbackCode, number>>>
  /** Answers after their deadline. */
  readonly late: number
  /** Answers of the early exit. */
  readonly exits: number
  /** Frames that the filter or the early exit failed to judge: they went on as if there were none. */
  readonly gateFailures: number
  /** Frames that were rejected with an error. */
  readonly failed: number
  readonly link: Readonly<LinkCounters> | undefined
  /** Bids, leases and payments, where the device bids. */
  readonly market: Readonly<BidderCounters> | undefined
  /** Samples and patches, where the device takes part in adaptation. */
  readonly adaptation: AdaptationStats | undefined
}

/** What a device knows of itself, its link and its server at a moment. */
export interface Telemetry {
  /** Whether the broker is connected. */
  readonly connected: boolean
  /** Why nothing can be sent now; undefined when requests can be. */
  readonly refusal: FallbackCode | undefined
  readonly link: LinkEstimate | undefined
  readonly outstanding: number
  /** How often a stage or the link has left its level. */
  readonly drifts: number
  /** Stage → measured times in ms. Server stages are `server:<mode>`. */
  readonly stages: Readonly<Record<string, { readonly medianMs: number; readonly upperMs: number }>>
  readonly stats: DeviceStats
}
