import { type ConstantTensor, elementCount, float32Tensor, float32Values, type Graph } from '../onnx/index.ts'
import { autodiffError } from './errors.ts'

/** Where one tensor lies in a flat vector. */
export interface Slot {
  readonly name: string
  readonly dims: readonly number[]
  readonly offset: number
  readonly length: number
}

/** Several tensors of a graph laid end to end in one vector, so that an optimiser step is a handful of operators. */
export interface Layout {
  readonly slots: readonly Slot[]
  readonly length: number
}

/** Lays float32 initialisers of `graph` end to end. Throws UNKNOWN_PARAMETER naming one that is missing. */
export function layoutOf(graph: Graph, names: readonly string[]): Layout {
  let offset = 0
  const slots = names.map((name): Slot => {
    const tensor = graph.initializers.get(name)
    if (tensor?.dtype !== 'float32') {
      throw autodiffError(
        'UNKNOWN_PARAMETER',
        `"${name}" is not a float32 initialiser of graph "${graph.name}", so it cannot be trained.`,
      )
    }
    const length = elementCount(tensor.dims)
    const slot = { name, dims: tensor.dims, offset, length }
    offset += length
    return slot
  })
  return { slots, length: offset }
}

/** The initialisers of `graph` in this layout. */
export function gather(graph: Graph, layout: Layout): Float32Array {
  const flat = new Float32Array(layout.length)
  for (const { name, offset } of layout.slots) flat.set(float32Values(graph.initializers.get(name)!), offset)
  return flat
}

/** The tensors of a flat vector by name: views, not copies. */
export function scatter(flat: Float32Array, layout: Layout): Map<string, ConstantTensor> {
  return new Map(
    layout.slots.map(({ name, dims, offset, length }) => [
      name,
      float32Tensor(flat.subarray(offset, offset + length), dims),
    ]),
  )
}
