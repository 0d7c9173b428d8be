export { breakEvenRate, type CostLine, costMs, type Winner, winnerMap } from './break-even.ts'
export { comparePair, type Pair, type PartTimes, type Way, waysOf } from './ways.ts'
