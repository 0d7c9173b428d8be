import highsModule from 'highs'
import type { Candidates } from '../candidates.ts'
import { FIT_TOLERANCE } from '../filters.ts'
import { demandAt, type Packing } from './packing.ts'

// The types describe the package's CommonJS face; its ES module gives the function itself.
const loadHighs = highsModule as unknown as (typeof highsModule)['default']

export interface MixedIntegerOptions {
  readonly timeLimitMs: number
  /** Allocation to begin with: [requests], places of resources or -1. */
  readonly start?: Int32Array
}

/** What the solver found by the end of its time. */
export interface MixedIntegerResult {
  /** [requests]: pair that was taken, or -1. */
  readonly pair: Int32Array
  /** No allocation is worth more. */
  readonly bound: number
  readonly isOptimal: boolean
}

/**
 * The best allocation by HiGHS's branch and cut. Blocks its thread for as long as it may take: the product runs it in
 * {@link exactAllocation}'s worker. Loads the solver anew each time, so that a run that went wrong leaves nothing behind.
 */
export async function solveMixedInteger(
  candidates: Candidates,
  packing: Packing,
  { timeLimitMs, start }: MixedIntegerOptions,
): Promise<MixedIntegerResult> {
  const { starts, resources, utility } = candidates
  const { kinds, demand, capacity } = packing
  const requests = starts.length - 1
  const pairs = utility.length
  const pair = new Int32Array(requests).fill(-1)
  if (pairs === 0) return { pair, bound: 0, isOptimal: true }
  const rows = requests + capacity.length
  const columnStarts = new Int32Array(pairs + 1)
  const indices: number[] = []
  const values: number[] = []
  const colValue = new Float64Array(pairs)
  for (let request = 0; request < requests; request++) {
    for (let at = starts[request]!; at < starts[request + 1]!; at++) {
      columnStarts[at] = indices.length
      indices.push(request)
      values.push(1)
      const from = demandAt(packing, request, at)
      for (let kind = 0; kind < kinds; kind++) {
        if (demand[from + kind] === 0) continue
        indices.push(requests + resources[at]! * kinds + kind)
        values.push(demand[from + kind]!)
      }
      if (start?.[request] === resources[at]) colValue[at] = 1
    }
  }
  columnStarts[pairs] = indices.length
  const highs = await loadHighs()
  const { objectiveSense, variableType, modelStatus } = highs.constants
  const rowUpper = new Float64Array(rows).fill(1)
  for (const [at, amount] of capacity.entries()) rowUpper[requests + at] = amount * (1 + FIT_TOLERANCE)
  const model = highs.createModel({
    numCols: pairs,
    numRows: rows,
    sense: objectiveSense.maximize,
    colCost: utility,
    colLower: new Float64Array(pairs),
    colUpper: new Float64Array(pairs).fill(1),
    rowLower: new Float64Array(rows).fill(-highs.infinity),
    rowUpper,
    matrix: {
      format: 'csc',
      numCols: pairs,
      numRows: rows,
      starts: columnStarts,
      indices: Int32Array.from(indices),
      values: Float64Array.from(values),
    },
    integrality: Array.from({ length: pairs }, () => variableType.integer),
  })
  try {
    model.options.set({
      mip_feasibility_tolerance: 1e-9,
      primal_feasibility_tolerance: 1e-9,
      output_flag: false,
      time_limit: timeLimitMs / 1000,
      mip_rel_gap: 0,
      mip_abs_gap: 1e-9,
    })
    if (start !== undefined) model.setSolution({ colValue })
    model.run()
    const isOptimal = model.getModelStatus() === modelStatus.optimal
    const solution = model.getSolution().colValue
    for (let request = 0; request < requests; request++) {
      for (let at = starts[request]!; at < starts[request + 1]!; at++) {
        if (solution[at]! > 0.5) pair[request] = at
      }
    }
    return { pair, bound: Number(model.info.get('mip_dual_bound')), isOptimal }
  } finally {
    model.dispose()
  }
}
