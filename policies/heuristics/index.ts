export { EarliestFinish, FinishTimes } from './earliest-finish.ts'
export { type EvolvedFrontOptions, evolveFront, type FrontMember, FrontPolicy } from './evolved-front.ts'
export { allCloud, allEdge, fixedServer } from './fixed-server.ts'
export { Greedy, placementCost } from './greedy.ts'
export { type HindsightOptions, type HindsightOutcome, hindsightPlan } from './hindsight-plan.ts'
export { leastWork, workLeftS } from './least-work.ts'
export { LinUcb, type LinUcbOptions } from './lin-ucb.ts'
export { descend, LocalSearch, type LocalSearchOptions } from './local-search.ts'
export { MeteredPolicy } from './metered-policy.ts'
export { type EvolutionOptions, type EvolutionProblem, evolve, type Individual } from './nsga2.ts'
export { type GreedyCharges, ParametrisedGreedy } from './parametrised-greedy.ts'
export { type EpisodeOutcome, playEpisodes } from './play-episodes.ts'
export { randomServer, staticMix } from './random-server.ts'
export { RollOut } from './roll-out.ts'
export { RollOutCosts, type RollOutOptions } from './roll-out-costs.ts'
export { type RoundRobinOptions, roundRobin } from './round-robin.ts'
export {
  localRounds,
  randomRounds,
  selfishDivision,
  selfishRounds,
  serverRounds,
} from './round-rules.ts'
export { SampledPlan, type SampledPlanOptions } from './sampled-plan.ts'
export { shortestQueue } from './shortest-queue.ts'
export { type AnnealingSchedule, anneal, SimulatedAnnealing } from './simulated-annealing.ts'
export { allLocal, Myopic, oneFog, randomFog, randomPlace } from './tang-wong-rules.ts'
