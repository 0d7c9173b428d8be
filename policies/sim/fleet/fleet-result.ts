import type { EnergyAccount, EnergyPart } from './energy-account.ts'
import type { FleetSettings } from './fleet-options.ts'
import type { FleetOutcomes } from './fleet-outcomes.ts'

/** What a fleet did until the horizon. */
export interface FleetResult {
  readonly seed: number
  readonly horizonS: number
  readonly devices: number
  /** Frames that came, one decision each: the sum of the next four. */
  readonly decisions: number
  /** In time, */
  readonly answered: number
  /** after the deadline, */
  readonly late: number
  /** never: given up on the device or thrown away by a server at the deadline, */
  readonly dropped: number
  /** or not known at the horizon. */
  readonly unfinished: number
  /** Late and dropped frames among those with a known end; NaN for none. */
  readonly dropRatio: number
  /** From frame to answer, late ones included, s; quantiles to within half a percent. NaN for none. */
  readonly latency: {
    readonly meanS: number
    readonly p50S: number
    readonly p95S: number
    readonly p99S: number
  }
  /** Probability of a wrong answer over all frames with a known end; a late or dropped one is wrong. */
  readonly error: number
  readonly energy: {
    readonly totalJ: number
    readonly partsJ: Readonly<Record<EnergyPart, number>>
    /** The same in whole nanojoules, which add up exactly: all parts, and all devices plus servers, to the total. */
    readonly totalNj: number
    readonly partsNj: Readonly<Record<EnergyPart, number>>
    readonly devicesNj: number
  }
  /** Devices whose battery is spent. */
  readonly deadDevices: number
  readonly byRoute: Readonly<Record<'local' | 'split' | 'edge', number>>
  readonly servers: readonly {
    readonly frames: number
    readonly busyS: number
    readonly utilisation: number
  }[]
  /** By device. */
  readonly deviceFrames: Int32Array
  readonly deviceMissed: Int32Array
  readonly deviceEnergyJ: Float64Array
}

type Counts = Pick<FleetResult, 'decisions' | 'deadDevices' | 'byRoute' | 'servers' | 'deviceFrames'>

export function resultOf(
  { seed, horizonS, devices }: FleetSettings,
  { answered, late, dropped, right, latency, deviceMissed }: FleetOutcomes,
  energy: EnergyAccount,
  counts: Counts,
): FleetResult {
  const { partsNj, devicesNj } = energy
  const parts = Object.entries(partsNj) as [EnergyPart, number][]
  const totalNj = parts.reduce((sum, [, nj]) => sum + nj, 0)
  const partsJ = Object.fromEntries(parts.map(([part, nj]) => [part, nj / 1e9])) as Record<EnergyPart, number>
  const known = answered + late + dropped
  return {
    ...counts,
    seed,
    horizonS,
    devices,
    answered,
    late,
    dropped,
    unfinished: counts.decisions - known,
    dropRatio: (late + dropped) / known,
    latency: {
      meanS: latency.meanS,
      p50S: latency.quantileS(0.5),
      p95S: latency.quantileS(0.95),
      p99S: latency.quantileS(0.99),
    },
    error: 1 - right / known,
    energy: { totalJ: totalNj / 1e9, partsJ, totalNj, partsNj, devicesNj },
    deviceMissed,
    deviceEnergyJ: Float64Array.from({ length: devices }, (_, device) => energy.deviceJ(device)),
  }
}
