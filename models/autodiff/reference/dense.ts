import { type ConstantTensor, elementCount, float32Values, integerValues } from '../../onnx/index.ts'

/** A row-major array of float64. Integers and booleans are kept as numbers too. */
export interface Dense {
  readonly dims: readonly number[]
  readonly data: Float64Array
}

export const dense = (
  dims: readonly number[],
  data: Float64Array = new Float64Array(elementCount(dims)),
): Dense => ({ dims, data })

/** The elements of a constant of a model. */
export function denseOf(tensor: ConstantTensor): Dense {
  if (tensor.dtype === 'bool') return dense(tensor.dims, Float64Array.from(tensor.bytes))
  const values = tensor.dtype === 'float32' ? float32Values(tensor) : integerValues(tensor)
  return dense(tensor.dims, Float64Array.from(values))
}

/** An array of shape `dims` whose element at each index is `valueAt(index)`; `index` is reused between calls. */
export function tabulate(
  dims: readonly number[],
  valueAt: (index: readonly number[], position: number) => number,
): Dense {
  const result = dense(dims)
  const index = dims.map(() => 0)
  for (let position = 0; position < result.data.length; position++) {
    result.data[position] = valueAt(index, position)
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis]!++
      if (index[axis]! < dims[axis]!) break
      index[axis] = 0
    }
  }
  return result
}

/** The element at `index`. */
export function at({ dims, data }: Dense, index: readonly number[]): number {
  let offset = 0
  for (let axis = 0; axis < dims.length; axis++) offset = offset * dims[axis]! + index[axis]!
  return data[offset]!
}

/** The element that numpy's broadcasting puts at `index` of a larger shape. */
export function atBroadcast({ dims, data }: Dense, index: readonly number[]): number {
  const lead = index.length - dims.length
  let offset = 0
  for (let axis = 0; axis < dims.length; axis++) {
    offset = offset * dims[axis]! + (dims[axis] === 1 ? 0 : index[lead + axis]!)
  }
  return data[offset]!
}

/** The shape that `shapes` broadcast to. */
export function broadcastDims(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((dims) => dims[axis - rank + dims.length] ?? 1)
    return sizes.find((size) => size !== 1) ?? 1
  })
}

/** Axis counted from the front. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)
