import type { MecObservation } from '../../env/index.ts'
import {
  allCloud,
  allEdge,
  EarliestFinish,
  LinUcb,
  LocalSearch,
  leastWork,
  RollOut,
  randomServer,
  roundRobin,
  SimulatedAnnealing,
  shortestQueue,
  staticMix,
} from '../../heuristics/index.ts'
import { type Heuristic, heeding, unheeding } from './heuristic.ts'

/** Rules for `mec` beside greedy-ω. */
export const mecHeuristics: ReadonlyMap<string, Heuristic<MecObservation>> = new Map([
  ['all cloud', unheeding(allCloud)],
  ['all edge 1', unheeding(allEdge)],
  ['round robin', unheeding(roundRobin)],
  ['shortest queue', unheeding(shortestQueue)],
  ['least work', unheeding(leastWork)],
  ['random', unheeding(randomServer)],
  ['earliest finish', unheeding(() => new EarliestFinish())],
  ['LinUCB', heeding(() => new LinUcb())],
  ['static mix', unheeding(...Array.from({ length: 11 }, (_, tenths) => () => staticMix(tenths / 10)))],
  ['1-flip search', heeding(() => new LocalSearch(), true)],
  ['annealing', heeding(() => new SimulatedAnnealing(), true)],
  ['roll-out', heeding(() => new RollOut(), true)],
])
