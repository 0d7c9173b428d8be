import type { FigureSpec, Measurement, SuiteContext } from './suite.ts'

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

/** One of the measurements that a suite is made of. */
export interface SuitePart<World> {
  readonly figures: readonly FigureSpec[]
  readonly measure: (world: World) => Part | Promise<Part>
}

/** The parts that a run wants, one after the other; the figures of the others are left out. */
export async function measureParts<World>(
  parts: Readonly<Record<string, SuitePart<World>>>,
  world: World,
  wanted: SuiteContext['parts'],
): Promise<Measurement> {
  const measured: Part[] = []
  for (const [name, part] of Object.entries(parts)) {
    const figures = part.figures.map((figure) => figure.name)
    const isWanted = wanted === undefined || wanted.includes(name)
    measured.push(isWanted ? await part.measure(world) : leftOut(figures, 'left out of this run (--parts)'))
  }
  return joined(measured)
}
