import type { SplitObservation } from '../../env/index.ts'
import { allLocal, deadlineRule, fixedMode, measuredCost } from '../../heuristics/split/index.ts'
import { type Heuristic, heeding, unheeding } from './heuristic.ts'

/** Rules for `split` beside its greedy one; `modes` are the candidates as an observation has them. */
export const splitHeuristics = (
  modes: SplitObservation['modes'],
): ReadonlyMap<string, Heuristic<SplitObservation>> => {
  const oneMode = modes.map(
    ({ mode, server }) =>
      () =>
        fixedMode(mode, Math.max(0, server)),
  )
  return new Map([
    ['all local', unheeding(allLocal)],
    ['one mode', unheeding(...oneMode)],
    ['deadline rule', unheeding(...[0, 0.1, 0.2, 0.4].map((margin) => () => deadlineRule({ margin })))],
    ['measured cost', heeding(measuredCost)],
  ])
}
