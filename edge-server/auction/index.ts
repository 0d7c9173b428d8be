export { type Assignment, optimalAssignment, pairOf } from './allocation/assignment.ts'
export { solveBySearch } from './allocation/branch-and-bound.ts'
export {
  type BoundedAllocation,
  type ExactAllocation,
  type ExactOptions,
  exactAllocation,
} from './allocation/exact.ts'
export {
  favourites,
  type GreedyAllocation,
  type GreedyOptions,
  greedyAllocation,
} from './allocation/greedy.ts'
export { type LocalSearchOptions, localSearch } from './allocation/local-search.ts'
export { demandAt, type Packing, type PackingOptions, packingOf, Room } from './allocation/packing.ts'
export { type BoundOptions, type UpperBound, upperBound } from './allocation/upper-bound.ts'
export {
  type Baseline,
  type BaselineName,
  baselines,
  type DrfAllocation,
  drfAllocation,
} from './baselines/index.ts'
export type { Allocation, Candidates } from './candidates.ts'
export { type CandidateOptions, candidatesOf, type SiftedMarket, siftMarket } from './candidates-of.ts'
export {
  type FairnessState,
  type HistoryOptions,
  historyOf,
  inOrder,
  nextFairness,
} from './fairness/history.ts'
export { type JainIndices, jainIndex, jainIndices } from './fairness/jain.ts'
export {
  additive,
  concaveOverGroups,
  type SetAllocation,
  type SetObjective,
  setGreedy,
  sumOf,
} from './fairness/set-objective.ts'
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
  type BidRanking,
  type CriticalAllocation,
  criticalPayments,
  type RankRule,
  rankingOf,
} from './payments/critical.ts'
export {
  type Mohaf2025Payments,
  mohaf2025Candidates,
  mohaf2025Payments,
  mohaf2025Utility,
  mohaf2025Weights,
} from './payments/mohaf-2025.ts'
export type { Payments } from './payments/payments.ts'
export { postedPrices } from './payments/posted.ts'
export { type LieSearch, type ProfitableLie, searchForLies } from './payments/search-for-lies.ts'
export { type ExactSolver, vcgPayments, type Welfare, welfareOf } from './payments/vcg.ts'
export { firstPrices, nextPrices, type PriceOptions, type PriceState } from './prices/dual-prices.ts'
export { type ElasticDemand, elasticDemand, utilisationAt } from './prices/elastic-demand.ts'
export { randomMarket } from './random-market.ts'
export {
  type Award,
  boundAfterwards,
  clearRound,
  type PaymentRule,
  type RoundOptions,
  type RoundResult,
} from './round.ts'
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
