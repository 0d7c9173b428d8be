import { policyError } from '../../errors.ts'

/** Sizes of a network over a set of candidates. */
export interface SetNetworkShape {
  readonly rowLength: number
  readonly contextLength: number
  readonly hidden: number
  /** Numbers for each candidate: 1 for a policy, one an objective for a critic. */
  readonly outputs: number
}

/** Weights by name, in the order in which the layers use them. */
export type SetNetworkWeights = ReadonlyMap<string, Float32Array>

/** Dimensions of each weight. */
export function weightDims({
  rowLength,
  contextLength,
  hidden,
  outputs,
}: SetNetworkShape): Record<string, number[]> {
  return {
    'rows.weight': [rowLength, hidden],
    'context.weight': [contextLength, hidden],
    'first.bias': [hidden],
    'second.weight': [hidden, hidden],
    'pooled.weight': [hidden, hidden],
    'second.bias': [hidden],
    'output.weight': [hidden, outputs],
    'skip.weight': [rowLength, outputs],
    'output.bias': [outputs],
  }
}

/** Numbers that a network has. */
export const parameterCountOf = (shape: SetNetworkShape): number =>
  Object.values(weightDims(shape)).reduce(
    (sum, dims) => sum + dims.reduce((product, dim) => product * dim, 1),
    0,
  )

/** Throws IsthmusError `BAD_POLICY` that names the weight unless `weights` are those of `shape`, all finite. */
export function checkNetwork(shape: SetNetworkShape, weights: SetNetworkWeights): void {
  for (const [name, dims] of Object.entries(weightDims(shape))) {
    const values = weights.get(name)
    const length = dims.reduce((product, dim) => product * dim, 1)
    if (values?.length !== length) {
      throw policyError(
        'BAD_POLICY',
        `weight ${name}: ${values?.length ?? 'no'} numbers, not ${dims.join(' × ')}`,
      )
    }
    if (!values.every(Number.isFinite)) throw policyError('BAD_POLICY', `weight ${name}: not finite`)
  }
}
