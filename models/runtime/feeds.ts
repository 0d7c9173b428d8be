import { modelError } from '../errors.ts'
import { type DType, elementCount, type Tensor, type TensorSpec, type TypedArrayOf } from './session.ts'

export const typedArrays: { readonly [D in DType]: new (length: number) => TypedArrayOf[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
}

export const isDType = (name: string): name is DType => Object.hasOwn(typedArrays, name)

const shape = (dims: readonly (number | string)[]): string =>
  `[${dims.map((d) => (d === '' ? '?' : d)).join(', ')}]`

function checkOne(spec: TensorSpec, tensor: Tensor): void {
  const { name } = spec
  const fail = (detail: string): never => {
    throw modelError('BAD_FEED', `Input '${name}' ${detail}.`)
  }
  if (tensor.dtype !== spec.dtype) fail(`must be ${spec.dtype}, got ${tensor.dtype}`)
  if (!(tensor.data instanceof typedArrays[spec.dtype])) {
    fail(`is ${spec.dtype}, so its data must be a ${typedArrays[spec.dtype].name}`)
  }
  const count = Array.isArray(tensor.dims) ? elementCount(tensor.dims) : undefined
  if (count === undefined) fail('has dims that are not whole numbers of 0 or more')
  if (count !== tensor.data.length) {
    fail(`has dims ${shape(tensor.dims)} = ${count} elements, but its data holds ${tensor.data.length}`)
  }
  if (spec.dims.length === 0) return
  const fits =
    spec.dims.length === tensor.dims.length &&
    spec.dims.every((dim, axis) => typeof dim === 'string' || dim === tensor.dims[axis])
  if (!fits) fail(`must have dims ${shape(spec.dims)}, got ${shape(tensor.dims)}`)
}

/**
 * Compares feeds with what the model declares: names, element types, array types, dims against the fixed ones, and
 * element counts. Throws `BAD_FEED` naming the input.
 */
export function checkFeeds(inputs: readonly TensorSpec[], feeds: Readonly<Record<string, Tensor>>): void {
  for (const spec of inputs) {
    const tensor = Object.hasOwn(feeds, spec.name) ? feeds[spec.name] : undefined
    if (!tensor) throw modelError('BAD_FEED', `Input '${spec.name}' is missing.`)
    checkOne(spec, tensor)
  }
  const names = Object.keys(feeds)
  if (names.length === inputs.length) return
  const stranger = names.find((name) => !inputs.some((spec) => spec.name === name))
  const known = inputs.map((spec) => spec.name).join(', ') || 'none'
  throw modelError('BAD_FEED', `The model has no input '${stranger}'; it has: ${known}.`)
}
