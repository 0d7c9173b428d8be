import type { FleetSettings } from './fleet-options.ts'
import { hashedExponential, hashedUniform } from './hashed-random.ts'

const ARRIVALS = 0x61727276

/** When the devices' frames come: by device and frame alone, whatever is decided. */
export class FleetArrivals {
  private readonly seed: number
  /** Period (periodic) or −mean gap (Poisson) of each group, s; 0: recorded. */
  private readonly gapS: Float64Array
  private readonly recordedS: readonly Float64Array[]

  constructor({ seed, groups }: FleetSettings) {
    this.seed = seed ^ ARRIVALS
    this.gapS = Float64Array.from(groups, ({ arrivals }) => {
      if (arrivals.kind === 'periodic') return arrivals.everyS
      return arrivals.kind === 'poisson' ? -1 / arrivals.perS : 0
    })
    this.recordedS = groups.map(({ arrivals }) =>
      Float64Array.from(arrivals.kind === 'recorded' ? arrivals.atS : []),
    )
  }

  firstS(device: number, group: number): number {
    const gapS = this.gapS[group]!
    if (gapS > 0) return gapS * hashedUniform(this.seed, device, 0)
    return this.nextS(device, group, 0, 0)
  }

  /** @param frame number of the next frame, from 0; @param nowS when the one before came */
  nextS(device: number, group: number, frame: number, nowS: number): number {
    const gapS = this.gapS[group]!
    if (gapS > 0) return nowS + gapS
    if (gapS < 0) return nowS - gapS * hashedExponential(this.seed, device, frame)
    const times = this.recordedS[group]!
    return frame < times.length ? times[frame]! : Infinity
  }
}
