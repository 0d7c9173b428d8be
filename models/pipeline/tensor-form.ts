import type { Tensor, TypedArrayOf } from '../runtime/session.ts'

/** Element types that may go from stage to stage. */
export type StageType = 'float32' | 'float64' | 'int32' | 'int64' | 'uint8'

/** Element type and shape of a tensor. All dims are fixed, the batch's too. */
export interface TensorForm {
  readonly dtype: StageType
  readonly dims: readonly number[]
}

export type StageArray = TypedArrayOf[StageType]

export const stageArrays: {
  readonly [D in StageType]: {
    readonly BYTES_PER_ELEMENT: number
    new (length: number): TypedArrayOf[D]
    new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArrayOf[D]
  }
} = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
}

export const stageTypes = Object.keys(stageArrays) as [StageType, ...StageType[]]

export const countOf = ({ dims }: Pick<TensorForm, 'dims'>): number =>
  dims.reduce((count, dim) => count * dim, 1)

/** `float32 [1, 3, 32, 32]` */
export const describeForm = ({
  dtype,
  dims,
}: {
  readonly dtype: string
  readonly dims: readonly unknown[]
}): string => `${dtype} [${dims.map((dim) => (dim === '' ? '?' : dim)).join(', ')}]`

/** Whether a tensor is just that. */
export const hasForm = (tensor: Tensor, form: TensorForm): boolean =>
  tensor.dtype === form.dtype &&
  tensor.dims.length === form.dims.length &&
  tensor.dims.every((dim, axis) => dim === form.dims[axis]) &&
  tensor.data.length === countOf(form)

/** Whether no element is NaN or an infinity. */
export function allFinite(data: StageArray): boolean {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return true
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at]!)) return false
  return true
}
