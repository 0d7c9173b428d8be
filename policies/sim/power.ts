import type { DevicePower } from '../device-power.ts'

export type { DevicePower }

/** A microcontroller with a Wi-Fi radio, in round numbers. */
export const defaultPower: DevicePower = { computeW: 0.5, sendW: 1, listenW: 0.3 }
