import { z } from 'zod'
import type { Wanted } from './bidder.ts'

const amount = z.number().min(0).max(1e9)
const share = z.number().min(0).max(1)
const km = z.number().min(-1e6).max(1e6)

/** What a device may be told about the market. Amounts and money are in the market's own units. */
export const marketSchema = z.strictObject({
  /** The most that a lease may be worth; what is bid is the share of it that the edge is worth to the user's preference. */
  budget: amount,
  /** What the device needs of a server. */
  demand: z
    .strictObject({
      cpu: amount.default(0.25),
      memory: amount.default(0.1),
      accelerator: amount.default(0),
      bandwidth: amount.default(1),
    })
    .prefault({}),
  /** 0 (can wait) to 1. */
  priority: share.default(0.5),
  /** The least that a server must have. */
  reliability: share.default(0),
  availability: share.default(0),
  /** 0: any. */
  latencyMs: z.number().min(0).max(3_600_000).default(0),
  /** Where the device is, in km. */
  x: km.default(0),
  y: km.default(0),
  /** The only kind of server that will do. Left out: any. */
  kind: z.string().max(64).default(''),
})

export type MarketOptions = z.output<typeof marketSchema>

/** What is bid for, where the edge is worth that share of the budget. */
export function wantedOf({ budget, demand, kind, ...needs }: MarketOptions, worth: number): Wanted {
  const { cpu, memory, accelerator, bandwidth } = demand
  const price = budget * worth
  return { ...needs, demand: [cpu, memory, accelerator, bandwidth], price, resourceKind: kind }
}
