import type { KeyObject } from 'node:crypto'
import type { NormLayout } from '@isthmus/models/adapt'
import { optionChecks } from '../../option-checks.ts'
import type { Link } from '../fleet/fleet-options.ts'
import { checkLink } from '../fleet/fleet-options.ts'

/** Devices that run one base network. */
export interface UpdateFamily {
  /** SHA-256 of its ONNX file. */
  readonly family: Uint8Array
  readonly layout: NormLayout
}

/** Awake for `awakeS` of every `everyS` seconds, each device at a time of its own, and as long as something is being received. */
export interface Sleep {
  readonly everyS: number
  readonly awakeS: number
}

export interface UpdatedDevices {
  readonly count: number
  /** Number of their family. */
  readonly family: number
  /** Their way to the server, where they have no gateway. */
  readonly link: Link
  /** Share of messages that never arrive. Default 0. */
  readonly lossRatio?: number
  /** Default: always awake. */
  readonly sleep?: Sleep
}

/** Gateways, among which the devices are dealt out evenly. */
export interface Gateways {
  readonly count: number
  /** Their way to the server, or to the gateway before them. */
  readonly link: Link
  readonly lossRatio?: number
  /** What a gateway and its neighbours share. */
  readonly localBps: number
  /** Share of messages lost there. Default 0. */
  readonly localLossRatio?: number
  /** One in so many has a way to the server; the others are in a row behind it. Default 1: all have. */
  readonly row?: number
}

export interface FleetUpdateOptions {
  readonly seed: number
  readonly families: readonly UpdateFamily[]
  /** Devices by groups: at most one million. */
  readonly devices: readonly UpdatedDevices[]
  /** Without: every device has its own way to the server. */
  readonly gateways?: Gateways
  /** Patches, and when the server has them. */
  readonly releases: readonly { readonly atS: number; readonly bytes: Uint8Array }[]
  /** The key that devices and gateways trust. */
  readonly publicKey: KeyObject
  /** What leaves the server in all, bit/s. Default 100 Mbit/s. */
  readonly serverBps?: number
  /** A message that has not been acknowledged is sent again after that time. Default 2 s. */
  readonly retryS?: number
  /** Virtual time at which the simulation ends. Default one day. */
  readonly horizonS?: number
}

export type UpdateSettings = FleetUpdateOptions &
  Required<Pick<FleetUpdateOptions, 'serverBps' | 'retryS' | 'horizonS'>>

const { bad, integer, list, within } = optionChecks('fleet update')
const MOST_RATE = 1e12

/** The options with their defaults. Throws BAD_OPTION that names the field. */
export function updateSettings(options: FleetUpdateOptions): UpdateSettings {
  const settings = { serverBps: 1e8, retryS: 2, horizonS: 86_400, ...options }
  const { families, devices, gateways, releases, serverBps, retryS, horizonS } = settings
  list('families', families, 1, 1000)
  list('devices', devices, 1, 1000)
  list('releases', releases, 1, 100_000)
  within('serverBps', serverBps, 1, MOST_RATE)
  within('retryS', retryS, 1e-3, 1e6)
  within('horizonS', horizonS, 1e-3, 1e9)
  for (const [at, { atS }] of releases.entries()) within(`releases[${at}].atS`, atS, 0, horizonS)
  for (const [at, { count, family, link, lossRatio = 0, sleep }] of devices.entries()) {
    const path = `devices[${at}].`
    integer(`${path}count`, count, 1, 1e6)
    integer(`${path}family`, family, 0, families.length - 1)
    checkLink(`${path}link`, link)
    within(`${path}lossRatio`, lossRatio, 0, 0.99)
    if (!sleep) continue
    within(`${path}sleep.everyS`, sleep.everyS, 1e-3, 1e6)
    within(`${path}sleep.awakeS`, sleep.awakeS, 1e-3, sleep.everyS)
  }
  if (devices.reduce((sum, { count }) => sum + count, 0) > 1e6) throw bad('devices: more than a million')
  if (gateways) {
    const { count, link, lossRatio = 0, localBps, localLossRatio = 0, row = 1 } = gateways
    integer('gateways.count', count, 1, 1e5)
    checkLink('gateways.link', link)
    within('gateways.lossRatio', lossRatio, 0, 0.99)
    within('gateways.localBps', localBps, 1, MOST_RATE)
    within('gateways.localLossRatio', localLossRatio, 0, 0.99)
    integer('gateways.row', row, 1, 1e5)
  }
  return settings
}
