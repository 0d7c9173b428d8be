import { DeepSeaTreasure, type SubmarinePosition, TREASURES } from '../../env/index.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import { contextStart, rowStart, writeRegrets } from '../encoding/preference.ts'
import type { Problem } from './problem.ts'

const OBJECTIVES = 2
const ACTIONS = 4
const OWN = rowStart(OBJECTIVES)
const SITUATION = contextStart(OBJECTIVES)
const ROWS = 11
const COLUMNS = 10
/** Steps after which a dive is given up. */
const LIMIT = 40

export interface DeepSeaTreasureProblemOptions {
  readonly shape?: keyof typeof TREASURES
}

/** Deep Sea Treasure, for checking learners: the moves are candidates that look alike, where the submarine is makes the context. */
export function deepSeaTreasureProblem({
  shape = 'convex',
}: DeepSeaTreasureProblemOptions = {}): Problem<SubmarinePosition> {
  const unit = TREASURES[shape].at(-1)! / 10
  const make = () => new DeepSeaTreasure(shape, LIMIT)
  let treasure = 0
  let steps = 0
  const judged = make()
  const watched = Object.assign(Object.create(judged) as DeepSeaTreasure, {
    reset: () => {
      treasure = steps = 0
      return judged.reset()
    },
    step: (action: number) => {
      const result = judged.step(action)
      treasure += result.reward[0]!
      steps -= result.reward[1]!
      return result
    },
  })
  return {
    name: 'deep-sea-treasure',
    encoding: encodingOf(unit),
    places: ACTIONS,
    training: [make()],
    fork: make,
    judging: new Map([[shape, watched]]),
    base: () => ({ name: 'down', evaluations: 0, begin: () => {}, act: () => 1 }),
    endsWithEpisode: false,
    decides: () => true,
    outcome: () => ({ weight: 1, costs: [-treasure, steps] }),
    costNames: ['minus treasure', 'steps'],
    costScales: [1, 1],
    heuristics: new Map(),
    looseReferences: new Map([[shape, [0, 25]]]),
    grid: (points) => Array.from({ length: points }, (_, at) => [at / (points - 1), 1 - at / (points - 1)]),
  }
}

function encodingOf(unit: number): CandidateEncoding<SubmarinePosition> {
  const costs = new Float64Array(ACTIONS * OBJECTIVES)
  const units = Float64Array.of(unit, 1)
  const rowLength = OWN + ACTIONS
  const contextLength = SITUATION + ROWS + COLUMNS
  return {
    version: `deep-sea-treasure-candidates/${unit}`,
    observationVersion: 'deep-sea-treasure/1',
    objectives: OBJECTIVES,
    rowLength,
    contextLength,
    encode({ row, column }, rows, rowsAt, context, contextAt) {
      rows.fill(0, rowsAt, rowsAt + ACTIONS * rowLength)
      context.fill(0, contextAt, contextAt + contextLength)
      writeRegrets(costs, units, ACTIONS, rows, rowsAt, rowLength, context, contextAt)
      for (let action = 0; action < ACTIONS; action++) rows[rowsAt + action * rowLength + OWN + action] = 1
      context[contextAt + SITUATION + row] = 1
      context[contextAt + SITUATION + ROWS + column] = 1
      return ACTIONS
    },
    units(_, out) {
      out.set(units)
    },
  }
}
