export { DagCosts } from './dag-costs.ts'
export { DagRounds, type DagRoundsOptions } from './dag-rounds.ts'
