import { PatchRelay } from '@isthmus/models/patch'
import { hashedUniform } from '../fleet/hashed-random.ts'
import type { Sleep, UpdateSettings } from './update-options.ts'

/** Who hands patches on: the server, or a gateway. */
export interface Store {
  readonly relay: PatchRelay
  /** Of a shared way out, bit/s. */
  readonly rateBps: number
  /** When that is free. */
  freeS: number
  /** How many relays have passed on what it gets. */
  readonly hops: number
  readonly flows: Flow[]
  sentBytes: number
}

/** What one family's patches take from a store to one who wants them. */
export interface Flow {
  readonly from: Store
  readonly family: number
  /** Number of the link that only this receiver has; none on a gateway's own medium. */
  readonly link: number | undefined
  readonly lossRatio: number
  readonly sleep: Sleep | undefined
  readonly phaseS: number
  /** The gateway, or the number of the device, at its end. */
  readonly to: Store | number
  isBusy: boolean
}

export interface UpdateTree {
  readonly server: Store
  readonly gateways: readonly Store[]
  readonly flows: readonly Flow[]
  readonly familyOfDevice: Int32Array
  /** Links to the server. */
  readonly uplinks: number
}

const PHASE = 0x70686173

/** The server, its gateways and all devices as a tree of flows. */
export function updateTree(settings: UpdateSettings): UpdateTree {
  const { seed, families, devices, gateways, publicKey, serverBps } = settings
  const storeOf = (rateBps: number, hops: number): Store => ({
    relay: new PatchRelay({ publicKey, maxFamilies: families.length }),
    rateBps,
    freeS: 0,
    hops,
    flows: [],
    sentBytes: 0,
  })
  const flows: Flow[] = []
  const connect = (flow: Omit<Flow, 'isBusy'>): void => {
    const made = { ...flow, isBusy: false }
    flows.push(made)
    flow.from.flows.push(made)
  }
  const server = storeOf(serverBps, 0)
  const stores: Store[] = []
  const row = gateways?.row ?? 1
  for (let at = 0; gateways && at < gateways.count; at++) {
    const from = at % row === 0 ? server : stores[at - 1]!
    const to = storeOf(gateways.localBps, from === server ? 0 : from.hops + 1)
    stores.push(to)
    const { lossRatio = 0 } = gateways
    for (let family = 0; family < families.length; family++)
      connect({ from, family, link: at, lossRatio, sleep: undefined, phaseS: 0, to })
  }
  const familyOfDevice: number[] = []
  for (const { count, family, lossRatio = 0, sleep } of devices)
    for (let i = 0; i < count; i++) {
      const to = familyOfDevice.push(family) - 1
      const phaseS = sleep ? sleep.everyS * hashedUniform(seed ^ PHASE, to, 0) : 0
      const own = { family, sleep, phaseS, to }
      if (gateways) {
        const loss = gateways.localLossRatio ?? 0
        connect({ ...own, from: stores[to % stores.length]!, link: undefined, lossRatio: loss })
      } else connect({ ...own, from: server, link: to, lossRatio })
    }
  return {
    server,
    gateways: stores,
    flows,
    familyOfDevice: Int32Array.from(familyOfDevice),
    uplinks: gateways ? Math.ceil(gateways.count / row) : familyOfDevice.length,
  }
}

/** The first time from `nowS` on at which a receiver is awake. */
export function awakeFrom({ sleep, phaseS }: Flow, nowS: number): number {
  if (!sleep) return nowS
  const sinceS = (((nowS - phaseS) % sleep.everyS) + sleep.everyS) % sleep.everyS
  return sinceS < sleep.awakeS ? nowS : nowS + sleep.everyS - sinceS
}
