import {
  type Award,
  type Bid,
  type Capacity,
  type Claim,
  type Grant,
  type Grants,
  MAX_DETAIL_CHARS,
  MAX_GRANTS,
  MAX_NAME_CHARS,
  type MarketMemory,
  type Outcome,
  type Release,
  type Renew,
} from '../message.ts'
import { outcomeNumbers } from './names.ts'
import { amounts, bad, finite, type Loose, text, uint32 } from './values.ts'

// Fields of messages of the market, filled with their defaults and checked.

export function bidFrom(fields: Loose<Bid>): Bid {
  return {
    kind: 'bid',
    nonce: uint32(fields.nonce, 'nonce'),
    validMs: uint32(fields.validMs, 'valid_ms'),
    demand: amounts(fields.demand, 'demand'),
    price: finite(fields.price, 'price'),
    priority: finite(fields.priority, 'priority'),
    reliability: finite(fields.reliability, 'reliability'),
    availability: finite(fields.availability, 'availability'),
    latencyMs: finite(fields.latencyMs, 'latency_ms'),
    x: finite(fields.x, 'x'),
    y: finite(fields.y, 'y'),
    resourceKind: text(fields.resourceKind, 'resource_kind', 0, MAX_NAME_CHARS),
  }
}

export function awardFrom(fields: Loose<Omit<Award, 'outcome'>>, outcome: Outcome | undefined): Award {
  if (outcome === undefined || !Object.hasOwn(outcomeNumbers, outcome)) {
    throw bad('Its outcome is none of won, lost, renewed, lapsed')
  }
  return {
    kind: 'award',
    bidBoot: uint32(fields.bidBoot, 'bid_boot'),
    nonce: uint32(fields.nonce, 'nonce'),
    outcome,
    reason: text(fields.reason, 'reason', 0, MAX_NAME_CHARS),
    detail: text(fields.detail, 'detail', 0, MAX_DETAIL_CHARS),
    server: text(fields.server, 'server', 0, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    payment: finite(fields.payment, 'payment'),
    leaseMs: uint32(fields.leaseMs, 'lease_ms'),
    holdMs: uint32(fields.holdMs, 'hold_ms'),
    credits: uint32(fields.credits, 'credits'),
    retryAfterMs: uint32(fields.retryAfterMs, 'retry_after_ms'),
    echoUs: uint32(fields.echoUs, 'echo_us'),
  }
}

export function renewFrom(fields: Loose<Renew>): Renew {
  return { kind: 'renew', ...leaseFrom(fields) }
}

export function releaseFrom(fields: Loose<Release>): Release {
  return { kind: 'release', ...leaseFrom(fields) }
}

const leaseFrom = (fields: Loose<Omit<Renew, 'kind'>>) => ({
  nonce: uint32(fields.nonce, 'nonce'),
  server: text(fields.server, 'server', 1, MAX_NAME_CHARS),
})

export function capacityFrom(fields: Loose<Capacity>): Capacity {
  return {
    kind: 'capacity',
    resourceKind: text(fields.resourceKind, 'resource_kind', 0, MAX_NAME_CHARS),
    capacity: amounts(fields.capacity, 'capacity'),
    free: amounts(fields.free, 'free'),
    unitCost: finite(fields.unitCost, 'unit_cost'),
    reliability: finite(fields.reliability, 'reliability'),
    availability: finite(fields.availability, 'availability'),
    energy: finite(fields.energy, 'energy'),
    x: finite(fields.x, 'x'),
    y: finite(fields.y, 'y'),
    leases: uint32(fields.leases, 'leases'),
  }
}

export function claimFrom(fields: Loose<Claim>): Claim {
  return {
    kind: 'claim',
    holder: text(fields.holder, 'holder', 1, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    roundMs: uint32(fields.roundMs, 'round_ms'),
  }
}

type LooseGrants = Loose<Omit<Grants, 'grants'>> & { readonly grants?: readonly Loose<Grant>[] | null }

export function grantsFrom(fields: LooseGrants): Grants {
  const grants = fields.grants ?? []
  if (grants.length > MAX_GRANTS) throw bad(`It grants ${grants.length} bids, at most ${MAX_GRANTS} fit`)
  return {
    kind: 'grants',
    server: text(fields.server, 'server', 1, MAX_NAME_CHARS),
    term: uint32(fields.term, 'term'),
    round: uint32(fields.round, 'round'),
    part: uint32(fields.part, 'part'),
    grants: grants.map((grant) => ({
      device: text(grant.device, 'device', 1, MAX_NAME_CHARS),
      boot: uint32(grant.boot, 'boot'),
      bid: uint32(grant.bid, 'bid'),
      nonce: uint32(grant.nonce, 'nonce'),
      demand: amounts(grant.demand, 'demand'),
      payment: finite(grant.payment, 'payment'),
    })),
  }
}

export function marketMemoryFrom(fields: Loose<MarketMemory>): MarketMemory {
  return { kind: 'marketMemory', rounds: uint32(fields.rounds, 'rounds') }
}
