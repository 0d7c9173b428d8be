/** What energy goes to: the device's processor, its radio sending, its radio waiting for answers, the device being on, and servers. */
export const energyParts = ['compute', 'send', 'listen', 'idle', 'server'] as const
export type EnergyPart = (typeof energyParts)[number]

/** Nanojoules: whole numbers, so that sums are exact in any order up to 9 MJ. */
const NJ = 1e9

/** Energy of each device, and of each part over all devices. Both hold the same sum, exactly. */
export class EnergyAccount {
  private readonly deviceNj: Float64Array
  private readonly partNj = new Float64Array(energyParts.length)

  constructor(devices: number) {
    this.deviceNj = new Float64Array(devices)
  }

  /** `part` counts as in {@link energyParts}. */
  spend(device: number, part: number, joules: number): void {
    const nj = Math.round(joules * NJ)
    this.deviceNj[device]! += nj
    this.partNj[part]! += nj
  }

  /** Of servers: no device pays it. */
  spendAtServer(joules: number): void {
    this.partNj[4]! += Math.round(joules * NJ)
  }

  deviceJ(device: number): number {
    return this.deviceNj[device]! / NJ
  }

  /** Of all devices: whole nanojoules. */
  get devicesNj(): number {
    return this.deviceNj.reduce((sum, nj) => sum + nj, 0)
  }

  /** Whole nanojoules of each part. */
  get partsNj(): Record<EnergyPart, number> {
    return Object.fromEntries(energyParts.map((part, at) => [part, this.partNj[at]!])) as Record<
      EnergyPart,
      number
    >
  }
}
