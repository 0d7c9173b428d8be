import type { Measurement } from '../suite.ts'

/** What one measurement adds to the suite's result. */
export type Part = Partial<Measurement>

/** All parts as one; a later part may not say anything anew that an earlier one said. */
export function joined(parts: readonly Part[]): Measurement {
  const all = <K extends keyof Measurement>(key: K): NonNullable<Measurement[K]> =>
    Object.assign({}, ...parts.map((part) => part[key] ?? {}))
  return {
    figures: all('figures'),
    missing: all('missing'),
    peers: all('peers'),
    detail: all('detail'),
    verdicts: all('verdicts'),
  }
}

/** A figure that could not be had because of what was measured: shown as missing, and a fault of the run. */
export const unreached = (name: string, why: string): Part => ({
  missing: { [name]: why },
  verdicts: { [name]: why },
})

/** Figures that were not measured, for a reason that is nobody's fault. */
export const leftOut = (names: readonly string[], why: string): Part => ({
  missing: Object.fromEntries(names.map((name) => [name, why])),
})
