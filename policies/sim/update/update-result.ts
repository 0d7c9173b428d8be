/** How an update went. Times are seconds after the last release. */
export interface FleetUpdateResult {
  readonly devices: number
  /** Devices that hold the newest version of their family at the end. */
  readonly updated: number
  /** When half of all devices held it; `Infinity` when they did not. */
  readonly halfS: number
  readonly p99S: number
  readonly allS: number
  /** Bytes that left the server, and what gateways sent. */
  readonly serverBytes: number
  readonly relayedBytes: number
  /** Messages sent, and those that were lost among them. */
  readonly messages: number
  readonly lost: number
  /** Mean bytes that came over a link to the server: of devices without gateways, of gateways with one. */
  readonly bytesPerUplink: number
  /** Patches that a device refused, by code. */
  readonly refused: Readonly<Record<string, number>>
}

/** Time until `share` of all devices are done: their times ascend, those that are not done are missing. */
export function untilShare(doneS: Float64Array, devices: number, share: number): number {
  const at = Math.ceil(share * devices) - 1
  return at < doneS.length ? doneS[Math.max(0, at)]! : Infinity
}
