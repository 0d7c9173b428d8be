import { decodePatch, familyName, type PatchVersion, readHeader } from '@isthmus/models/patch'
import { IsthmusError } from '@isthmus/proto'
import { ENVELOPE_BYTES } from '../candidates.ts'
import { EventHeap } from '../fleet/event-heap.ts'
import { FleetLinks } from '../fleet/fleet-links.ts'
import { hashedUniform } from '../fleet/hashed-random.ts'
import { type FleetUpdateOptions, updateSettings } from './update-options.ts'
import { type FleetUpdateResult, untilShare } from './update-result.ts'
import { awakeFrom, type Flow, type Store, updateTree } from './update-tree.ts'

const LOSS = 0x6c6f7373
const NOTHING: PatchVersion = { epoch: 0, version: 0 }

/**
 * Plays how patches reach a fleet, in virtual time, with the code of the product: server and gateways decide by `PatchRelay` what to keep and
 * whom to hand what, devices check each patch as real ones do. Equal options give equal results. Throws BAD_OPTION, and what a
 * relay throws for a release that is no patch.
 */
export function simulateUpdate(options: FleetUpdateOptions): FleetUpdateResult {
  const settings = updateSettings(options)
  const { seed, families, gateways, releases, publicKey, retryS, horizonS } = settings
  const { server, gateways: stores, flows, familyOfDevice, uplinks } = updateTree(settings)
  const names = families.map(({ family }) => familyName(family))
  const groups = gateways ? [gateways] : settings.devices
  const links = new FleetLinks({ seed, groups, devices: groups.reduce((sum, { count }) => sum + count, 0) })
  const linkFreeS = new Float64Array(gateways?.count ?? familyOfDevice.length)
  const heldBy: PatchVersion[] = Array.from(familyOfDevice, () => NOTHING)
  const heldSinceS = new Float64Array(familyOfDevice.length)
  const refused: Record<string, number> = {}
  const inFlight = new Map<number, Uint8Array>()
  /** Releases are numbered behind the flows. */
  const events = new EventHeap(flows.length + releases.length)
  let messages = 0
  let lost = 0
  let lastReleaseS = 0
  for (const [at, { atS, bytes }] of releases.entries()) {
    readHeader(bytes)
    events.push(atS, flows.length + at)
    lastReleaseS = Math.max(lastReleaseS, atS)
  }

  const numbers = new Map(flows.map((flow, at) => [flow, at]))
  /** All who want this store's news and sleep or wait now. */
  const tell = (store: Store, family: number, nowS: number): void => {
    for (const flow of store.flows) {
      if (flow.family !== family || flow.isBusy) continue
      flow.isBusy = true
      events.push(awakeFrom(flow, nowS), numbers.get(flow)!)
    }
  }
  const receive = (store: Store, bytes: Uint8Array, nowS: number): void => {
    const { header, passOn } = store.relay.receive(bytes, store.hops, nowS)
    if (passOn) tell(store, names.indexOf(familyName(header.family)), nowS)
  }
  const heldAt = ({ to, family }: Flow): PatchVersion =>
    typeof to === 'number' ? heldBy[to]! : (to.relay.newest(names[family]!) ?? NOTHING)
  const deliver = ({ to, family }: Flow, bytes: Uint8Array, nowS: number): void => {
    if (typeof to !== 'number') {
      receive(to, bytes, nowS)
      return
    }
    try {
      const { header } = decodePatch(bytes, { ...families[family]!, publicKey, current: heldBy[to]!, nowS })
      heldBy[to] = header
      heldSinceS[to] = nowS
    } catch (error) {
      if (!(error instanceof IsthmusError)) throw error
      refused[error.code] = (refused[error.code] ?? 0) + 1
    }
  }
  /** Sends the next patch that the receiver lacks, if there is one. */
  const send = (flow: Flow, number: number, nowS: number): void => {
    const { from, link } = flow
    const [bytes] = from.relay.serve(names[flow.family]!, heldAt(flow))
    flow.isBusy = bytes !== undefined
    if (!bytes) return
    const length = bytes.length + ENVELOPE_BYTES
    from.freeS = Math.max(nowS, from.freeS) + (8 * length) / from.rateBps
    let endS = from.freeS
    if (link !== undefined) {
      endS = links.endS(link, Math.max(endS, linkFreeS[link]!), 8 * length, horizonS)
      linkFreeS[link] = endS
    }
    from.sentBytes += length
    if (hashedUniform(seed ^ LOSS, number, messages++) < flow.lossRatio) {
      lost++
      events.push(awakeFrom(flow, endS + retryS), number)
      return
    }
    inFlight.set(number, bytes)
    events.push(endS, number)
  }

  while (events.size > 0 && events.firstKey <= horizonS) {
    const nowS = events.firstKey
    const number = events.pop()
    if (number >= flows.length) {
      receive(server, releases[number - flows.length]!.bytes, nowS)
      continue
    }
    const flow = flows[number]!
    const arrived = inFlight.get(number)
    if (arrived) {
      inFlight.delete(number)
      deliver(flow, arrived, nowS)
    }
    send(flow, number, nowS)
  }

  const isDone = (device: number): boolean => {
    const newest = server.relay.newest(names[familyOfDevice[device]!]!)
    const { epoch, version } = heldBy[device]!
    return newest?.epoch === epoch && newest.version === version
  }
  const doneS = heldSinceS.filter((_, device) => isDone(device)).map((atS) => atS - lastReleaseS)
  doneS.sort()
  const until = (share: number): number => untilShare(doneS, heldBy.length, share)
  return {
    devices: heldBy.length,
    updated: doneS.length,
    halfS: until(0.5),
    p99S: until(0.99),
    allS: until(1),
    serverBytes: server.sentBytes,
    relayedBytes: stores.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    messages,
    lost,
    bytesPerUplink: server.sentBytes / uplinks,
    refused,
  }
}
