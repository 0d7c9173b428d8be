export { type GreedyAllocation, greedyAllocation } from './allocation/greedy.ts'
export { demandAt, type Packing, type PackingOptions, packingOf, Room } from './allocation/packing.ts'
export type { Allocation, Candidates } from './candidates.ts'
export { type CandidateOptions, candidatesOf, type SiftedMarket, siftMarket } from './candidates-of.ts'
export { checkMarket, LARGEST, requestFault, resourceFault } from './faults.ts'
export {
  FIT_TOLERANCE,
  type FilterOptions,
  fits,
  type PairRefusal,
  pairRefusal,
  type RequestRefusal,
  requestRefusals,
} from './filters.ts'
export {
  type Amounts,
  amountNames,
  type Market,
  type Needs,
  type Place,
  type Request,
  type Resource,
} from './market.ts'
export {
  bonusOf,
  costTerm,
  distanceKm,
  fairTerm,
  type MatchScorer,
  matchScorer,
  qosTerm,
  runningCost,
  type Scales,
  sizeOf,
  type Terms,
  termsOf,
  utilityOf,
} from './terms.ts'
export { defaultWeights, normalisedWeights, type Weights } from './weights.ts'
