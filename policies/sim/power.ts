/** Power of a device, W: while its processor computes, its radio sends, and while it waits for the answer to what it sent. */
export interface DevicePower {
  readonly computeW: number
  readonly sendW: number
  readonly listenW: number
}

/** A microcontroller with a Wi-Fi radio, in round numbers. */
export const defaultPower: DevicePower = { computeW: 0.5, sendW: 1, listenW: 0.3 }
