import type { LinkEstimate, ModeEstimate } from './plan.ts'
import { isRemote } from './prospect.ts'

/** Power of a device above its idle one, W: while its processor computes, its radio sends, and while it waits for an answer. */
export interface DevicePower {
  readonly computeW: number
  readonly sendW: number
  readonly listenW: number
}

/**
 * A Raspberry Pi 4 with one busy core and Wi-Fi, in round numbers: assumptions to order modes by, no measurement. Measure your own
 * device where joules count.
 */
export const raspberryPiPower: DevicePower = { computeW: 1, sendW: 1, listenW: 0.1 }

/** The mode's typical times, ms. */
export type ModeTimes = Pick<ModeEstimate, 'route' | 'payloadBytes' | 'deviceMs' | 'serverMs'>

/**
 * Energy that the device spends on one frame, joule: E = P_compute·t_device + P_send·8·bytes / rate + P_listen·(rtt + t_server).
 * Undefined for a remote mode without a link.
 */
export function frameEnergyJ(
  { computeW, sendW, listenW }: DevicePower,
  mode: ModeTimes,
  link: LinkEstimate | undefined,
): number | undefined {
  const computeJ = (computeW * mode.deviceMs) / 1000
  if (!isRemote(mode)) return computeJ
  if (!link) return undefined
  const sendJ = (sendW * 8 * mode.payloadBytes) / link.rateBps
  return computeJ + sendJ + (listenW * (link.rttMs + mode.serverMs)) / 1000
}
