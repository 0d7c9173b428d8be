import type { GraphBuilder } from '@isthmus/models/onnx'
import { TARGET } from '../../slow-copy.ts'
import { type SetNetworkShape, weightDims } from '../network/set-network.ts'

/**
 * What an objective of no weight still counts in the loss of what values it. Objectives count as the preference has them: where energy
 * is all that matters, delays are huge, and what they are worth nothing.
 */
export const LEAST_SHARE = 0.02

/**
 * Declares the inputs of a learner's step: a TransitionBatch whose next states are seen `views` times, and the weights of the slow
 * copies of `networks`. Returns their dimensions.
 *
 * @param shape of the networks that value objectives
 */
export function declareTransitions(
  g: GraphBuilder,
  shape: SetNetworkShape,
  networks: readonly string[],
  { batch, places, views = 1 }: { readonly batch: number; readonly places: number; readonly views?: number },
): Record<string, readonly number[]> {
  const objectives = shape.outputs
  const dims: Record<string, readonly number[]> = {
    rows: [batch, places, shape.rowLength],
    context: [batch, shape.contextLength],
    mask: [batch, places],
    taken: [batch, places],
    reward: [batch, objectives],
    share: [batch, objectives],
    discount: [batch, 1],
    nextRows: [batch * views, places, shape.rowLength],
    nextContext: [batch * views, shape.contextLength],
    nextMask: [batch * views, places],
  }
  for (const network of networks) {
    for (const [name, of] of Object.entries(weightDims(shape))) dims[`${TARGET}${network}.${name}`] = of
  }
  for (const [name, of] of Object.entries(dims)) g.input(name, 'float32', of)
  return dims
}
