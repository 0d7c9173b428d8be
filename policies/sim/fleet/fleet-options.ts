import { policyError } from '../../errors.ts'
import { type Drawn, given, largest, optionChecks } from '../../option-checks.ts'
import { cifarModes } from '../cifar-modes.ts'
import { checkFrameModes, type FrameMode } from '../frame-mode.ts'
import { type DevicePower, defaultPower } from '../power.ts'
import { type AfterEnd, checkTrace, type Interpolation, type RateTrace } from '../rate-trace.ts'
import { type ShannonSettings, shannonSettings, signalToNoise } from './shannon-link.ts'

/** When a device has frames. */
export type Arrivals =
  /** Every so many seconds, the first at a time drawn from the first period. */
  | { readonly kind: 'periodic'; readonly everyS: number }
  /** By chance, so many a second in the mean. */
  | { readonly kind: 'poisson'; readonly perS: number }
  /** At these times, ascending; then no more. */
  | { readonly kind: 'recorded'; readonly atS: readonly number[] }

/** A device's uplink. It carries one message at a time, in order. */
export type Link =
  | { readonly kind: 'fixed'; readonly rateBps: Drawn }
  /**
   * Shannon's rate at a distance, path loss `lossDb` at 1 km and growing with distance^`exponent`. With `fading` the power follows
   * Rayleigh's law, anew in each block of `coherenceS`.
   */
  | {
      readonly kind: 'shannon'
      readonly distanceM: Drawn
      readonly bandwidthHz?: number
      readonly transmitW?: number
      readonly noiseDbmPerHz?: number
      readonly lossDb?: number
      readonly exponent?: number
      readonly shadowingDb?: number
      readonly fading?: boolean
      readonly coherenceS?: number
    }
  /** Gilbert and Elliott: good and bad by turns, each for an exponential time. */
  | {
      readonly kind: 'gilbert-elliott'
      readonly goodBps: number
      readonly badBps: number
      readonly meanGoodS: number
      readonly meanBadS: number
    }
  /** Recorded: each device has one of the traces, from a time of its own. As `TraceLink` has it: a sample holds, the trace loops. */
  | {
      readonly kind: 'trace'
      readonly traces: readonly RateTrace[]
      readonly interpolation?: Interpolation
      readonly afterEnd?: AfterEnd
      readonly scale?: number
    }

/** Devices of one kind. */
export interface DeviceGroup {
  readonly count: number
  readonly arrivals: Arrivals
  readonly link: Link
  /** Time that a frame has, s. Default: as long as it takes. */
  readonly deadlineS?: number
  /** Multiples of the speed for which the mode table's head times hold. */
  readonly speed?: Drawn
  /**
   * Squared coefficient of variation of the frames' sizes, mean 1: a size multiplies head, bytes and tail. 0 (default): all are equal; 1:
   * exponential, as tasks often are; more: a mixture of two exponentials.
   */
  readonly sizeVariation?: number
  /** While it computes, sends, and for each frame that waits for its answer. */
  readonly power?: Partial<DevicePower>
  /** Power of a device that does nothing, spent all the time, W. */
  readonly idleW?: number
  /** Energy of the battery; when it is spent, no frame comes any more. Default: mains. */
  readonly batteryJ?: number
}

export interface FleetServer {
  /** `sharing`: processor sharing. `fifo`: first come, first served. `batching`: see the batch options. */
  readonly discipline?: 'sharing' | 'fifo' | 'batching'
  /** Processors of `sharing` and `fifo`. */
  readonly workers?: number
  /** Multiples of the speed for which the mode table's tail times hold. */
  readonly speed?: number
  /** Round trip of an empty message, s. */
  readonly rttS?: number
  /** Power while a processor is busy, and all the time, W. */
  readonly busyW?: number
  readonly idleW?: number
  /** Of `batching`: most frames in a batch, how long the first waits for more (s), time of a batch (s), and what share of its */
  readonly maxBatch?: number
  readonly batchWaitS?: number
  readonly setupS?: number
  /** frames' own times comes on top. */
  readonly share?: number
}

export interface FleetOptions {
  /** 0 to 2³² − 1. */
  readonly seed: number
  /** Frames come until then, s. */
  readonly horizonS: number
  readonly devices: readonly DeviceGroup[]
  readonly servers: readonly FleetServer[]
  /** Mode table. Default: that of the bundle `cifar10`. */
  readonly modes?: readonly FrameMode[]
  /** `report` (default): what is not answered by the horizon counts as unfinished. `drain`: it is waited for. */
  readonly atHorizon?: 'report' | 'drain'
  /** Servers tell all devices of their queues this often, s. */
  readonly reportS?: number
}

export type GroupSettings = Required<Omit<DeviceGroup, 'power'>> & { readonly power: DevicePower }
export type ServerSettings = Required<FleetServer>

export interface FleetSettings {
  readonly seed: number
  readonly horizonS: number
  readonly groups: readonly GroupSettings[]
  readonly servers: readonly ServerSettings[]
  readonly modes: readonly FrameMode[]
  readonly atHorizon: 'report' | 'drain'
  readonly reportS: number
  /** Of all groups. */
  readonly devices: number
}

const groupDefaults = {
  deadlineS: Infinity,
  speed: 1,
  sizeVariation: 0,
  idleW: 0,
  batteryJ: Infinity,
}

const serverDefaults: ServerSettings = {
  discipline: 'fifo',
  workers: 1,
  speed: 1,
  rttS: 0.02,
  busyW: 0,
  idleW: 0,
  maxBatch: 8,
  batchWaitS: 0.002,
  setupS: 0.002,
  share: 0.5,
}

const MAX_DEVICES = 1_000_000
const MAX_SERVERS = 255
const { bad, within, integer, drawn, oneOf, list, knownOnly } = optionChecks('fleet')

/** Fills in defaults. Throws IsthmusError `BAD_OPTION` or `BAD_TRACE` that names the field. */
export function fleetSettings(options: FleetOptions): FleetSettings {
  const optional = ['modes', 'atHorizon', 'reportS']
  knownOnly('', options, ['seed', 'horizonS', 'devices', 'servers', ...optional])
  const { seed, horizonS, devices, servers } = options
  const { modes = cifarModes, atHorizon = 'report', reportS = 1 } = options
  integer('seed', seed, 0, 2 ** 32 - 1)
  within('horizonS', horizonS, 1e-9, 1e9)
  within('reportS', reportS, 1e-6, 1e9)
  oneOf('atHorizon', atHorizon, ['report', 'drain'])
  checkFrameModes(modes)
  list('devices', devices, 1, 10_000)
  list('servers', servers, 1, MAX_SERVERS)
  const groups = devices.map((group, at) => groupSettings(`devices[${at}].`, group))
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  if (count > MAX_DEVICES) throw bad(`devices: ${count} in all; up to ${MAX_DEVICES} are possible`)
  const settings = servers.map((server, at) => serverSettings(`servers[${at}].`, server))
  for (const [at, { rttS }] of settings.entries()) {
    if (rttS > 2 * reportS) throw bad(`reportS is ${reportS}; servers[${at}].rttS may be twice that at most`)
  }
  return { seed, horizonS, groups, servers: settings, modes, atHorizon, reportS, devices: count }
}

function groupSettings(path: string, group: DeviceGroup): GroupSettings {
  knownOnly(path, group, ['count', 'arrivals', 'link', 'power', ...Object.keys(groupDefaults)])
  const { power = {}, ...rest } = group
  knownOnly(`${path}power.`, power, Object.keys(defaultPower))
  const settings: GroupSettings = {
    ...groupDefaults,
    count: group.count,
    arrivals: group.arrivals,
    link: group.link,
    ...given(rest),
    power: { ...defaultPower, ...given(power) },
  }
  integer(`${path}count`, settings.count, 1, MAX_DEVICES)
  within(`${path}deadlineS`, settings.deadlineS, 1e-6, Infinity)
  drawn(`${path}speed`, settings.speed, 1e-6, 1e6)
  const { sizeVariation } = settings
  within(`${path}sizeVariation`, sizeVariation, 0, 1000)
  if (sizeVariation > 0 && sizeVariation < 1)
    throw bad(`${path}sizeVariation is ${sizeVariation}; it must be 0, or 1 and more`)
  within(`${path}idleW`, settings.idleW, 0, 1e6)
  within(`${path}batteryJ`, settings.batteryJ, 0, Infinity)
  for (const [field, value] of Object.entries(settings.power)) within(`${path}power.${field}`, value, 0, 1e6)
  checkArrivals(`${path}arrivals`, settings.arrivals)
  checkLink(`${path}link`, settings.link)
  return settings
}

function serverSettings(path: string, server: FleetServer): ServerSettings {
  knownOnly(path, server, Object.keys(serverDefaults))
  const settings = { ...serverDefaults, ...given(server) }
  oneOf(`${path}discipline`, settings.discipline, ['sharing', 'fifo', 'batching'])
  integer(`${path}workers`, settings.workers, 1, 10_000)
  within(`${path}speed`, settings.speed, 1e-9, 1e9)
  within(`${path}rttS`, settings.rttS, 0, 1e3)
  within(`${path}busyW`, settings.busyW, 0, 1e6)
  within(`${path}idleW`, settings.idleW, 0, 1e6)
  integer(`${path}maxBatch`, settings.maxBatch, 1, 10_000)
  within(`${path}batchWaitS`, settings.batchWaitS, 0, 1e3)
  within(`${path}setupS`, settings.setupS, 0, 1e3)
  within(`${path}share`, settings.share, 0, 1)
  return settings
}

function checkArrivals(path: string, arrivals: Arrivals): void {
  oneOf(`${path}.kind`, arrivals?.kind, ['periodic', 'poisson', 'recorded'])
  if (arrivals.kind === 'periodic') within(`${path}.everyS`, arrivals.everyS, 1e-6, 1e9)
  if (arrivals.kind === 'poisson') within(`${path}.perS`, arrivals.perS, 1e-9, 1e6)
  if (arrivals.kind !== 'recorded') return
  list(`${path}.atS`, arrivals.atS, 0, 100_000_000)
  for (const [at, time] of arrivals.atS.entries()) {
    if (time >= 0 && time < Infinity && (at === 0 || time >= arrivals.atS[at - 1]!)) continue
    throw policyError('BAD_TRACE', `fleet: ${path}.atS[${at}] is ${time}; times ascend from 0`)
  }
}

/** Throws BAD_OPTION that names the field. */
export function checkLink(path: string, link: Link): void {
  oneOf(`${path}.kind`, link?.kind, ['fixed', 'shannon', 'gilbert-elliott', 'trace'])
  if (link.kind === 'fixed') drawn(`${path}.rateBps`, link.rateBps, 1e-3, 1e15)
  if (link.kind === 'shannon') checkShannon(path, shannonSettings(link))
  if (link.kind === 'gilbert-elliott') {
    within(`${path}.goodBps`, link.goodBps, 1, 1e15)
    within(`${path}.badBps`, link.badBps, 0, 1e15)
    within(`${path}.meanGoodS`, link.meanGoodS, 1e-4, 1e9)
    within(`${path}.meanBadS`, link.meanBadS, 1e-4, 1e9)
  }
  if (link.kind !== 'trace') return
  list(`${path}.traces`, link.traces, 1, 100_000)
  for (const [at, trace] of link.traces.entries()) checkTrace(trace, `fleet: ${path}.traces[${at}]`)
  if (link.interpolation !== undefined) oneOf(`${path}.interpolation`, link.interpolation, ['hold', 'linear'])
  if (link.afterEnd !== undefined) oneOf(`${path}.afterEnd`, link.afterEnd, ['loop', 'hold'])
  if (link.scale !== undefined) within(`${path}.scale`, link.scale, 1e-9, 1e9)
}

function checkShannon(path: string, link: ShannonSettings): void {
  drawn(`${path}.distanceM`, link.distanceM, 1e-3, 1e7)
  within(`${path}.bandwidthHz`, link.bandwidthHz, 1, 1e12)
  within(`${path}.transmitW`, link.transmitW, 1e-12, 1e6)
  within(`${path}.noiseDbmPerHz`, link.noiseDbmPerHz, -300, 100)
  within(`${path}.lossDb`, link.lossDb, -100, 300)
  within(`${path}.exponent`, link.exponent, 0, 10)
  within(`${path}.shadowingDb`, link.shadowingDb, -100, 100)
  within(`${path}.coherenceS`, link.coherenceS, 1e-4, 1e6)
  const furthestM = largest(link.distanceM)
  const rateBps = link.bandwidthHz * Math.log2(1 + signalToNoise(link, furthestM))
  if (!(rateBps >= 1)) throw bad(`${path}.distanceM: at ${furthestM} m less than one bit passes in a second`)
}
