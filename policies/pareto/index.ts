export { type BootstrapOptions, pairedRatioInterval, type RatioInterval } from './bootstrap.ts'
export { cardinality, nonDominated, nonDominatedFronts } from './dominance.ts'
export { hypervolume } from './hypervolume.ts'
export type { Point } from './points.ts'
export { spearman } from './spearman.ts'
export {
  evenPreferences,
  expectedUtility,
  invertedGenerationalDistance,
  maximumUtilityLoss,
} from './utility.ts'
