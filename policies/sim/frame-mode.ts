import { policyError } from '../errors.ts'
import type { Route } from '../plan.ts'

/** One operating point of a cut network as simulations see it: what a frame costs in it, and how often it is right. */
export interface FrameMode {
  /** Number of the mode in its bundle. */
  readonly mode: number
  readonly route: Exclude<Route, 'skip'>
  /** Top-1 accuracy, 0..1. */
  readonly accuracy: number
  /** Bytes of the coded payload, without the message around it; 0 for local. */
  readonly payloadBytes: number
  /** Head (or local network) on a device of speed 1, ms. */
  readonly headMs: number
  /** Tail on a server of speed 1, ms; 0 for local. */
  readonly tailMs: number
}

/** What a manifest's mode says of itself; see `Mode` in `@isthmus/models/bundle`. */
export interface ManifestMode {
  readonly id: number
  readonly route: FrameMode['route']
  readonly accuracy?: number | undefined
  readonly payloadBytes: number
  readonly headMacs: number
  readonly tailMacs: number
}

export interface MacSpeeds {
  /** Multiply-adds that a device of speed 1 does in a second. Default 2e8: a fast microcontroller. */
  readonly deviceMacsPerS?: number
  /** And a server of speed 1. Default 5e9: one core of a small edge server. */
  readonly serverMacsPerS?: number
}

/** Most modes that a table may hold. */
const MAX_MODES = 256

/**
 * The mode table of a bundle for simulations: times follow from the multiply-adds. Throws IsthmusError `BAD_OPTION` that names the
 * field; a mode without a stated accuracy is one, for it cannot be judged.
 */
export function frameModesOf(
  modes: readonly ManifestMode[],
  { deviceMacsPerS = 2e8, serverMacsPerS = 5e9 }: MacSpeeds = {},
): FrameMode[] {
  const table = modes.map(({ id, route, accuracy = Number.NaN, payloadBytes, headMacs, tailMacs }) => ({
    mode: id,
    route,
    accuracy,
    payloadBytes,
    headMs: (1000 * headMacs) / deviceMacsPerS,
    tailMs: (1000 * tailMacs) / serverMacsPerS,
  }))
  checkFrameModes(table)
  return table
}

/** Throws IsthmusError `BAD_OPTION` that names the mode and the field. */
export function checkFrameModes(modes: readonly FrameMode[]): void {
  if (modes.length === 0 || modes.length > MAX_MODES) {
    throw policyError('BAD_OPTION', `modes: ${modes.length} of them; 1 to ${MAX_MODES} are needed`)
  }
  const seen = new Set<number>()
  for (const [at, { mode, route, accuracy, payloadBytes, headMs, tailMs }] of modes.entries()) {
    const within = (field: string, value: number, high: number) => {
      if (typeof value === 'number' && value >= 0 && value <= high) return
      throw policyError('BAD_OPTION', `modes[${at}].${field} is ${value}; it must be from 0 to ${high}`)
    }
    if (!['local', 'split', 'edge'].includes(route)) {
      throw policyError('BAD_OPTION', `modes[${at}].route is "${route}"; choose local, split or edge`)
    }
    if (!Number.isInteger(mode) || seen.has(mode)) {
      throw policyError('BAD_OPTION', `modes[${at}].mode is ${mode}; each needs a whole number of its own`)
    }
    seen.add(mode)
    within('accuracy', accuracy, 1)
    within('payloadBytes', payloadBytes, 1e9)
    within('headMs', headMs, 1e7)
    within('tailMs', tailMs, 1e7)
    if (route === 'local' && (payloadBytes > 0 || tailMs > 0)) {
      throw policyError('BAD_OPTION', `modes[${at}].payloadBytes and tailMs must be 0: its route is local`)
    }
  }
}
