import { graphError } from './errors.ts'

/** Element types of ONNX tensors, by the names that ONNX Runtime uses, with their number in the file format. */
export const dtypeNumbers = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const

export type DType = keyof typeof dtypeNumbers

const names = new Map<number, DType>(
  Object.entries(dtypeNumbers).map(([name, number]) => [number, name as DType]),
)

export const isDtypeNumber = (number: number): boolean => names.has(number)

/** The element type with this number in the ONNX file format. Throws UNSUPPORTED_DTYPE. */
export function dtypeOf(number: number, where: string): DType {
  const name = names.get(number)
  if (name === undefined) {
    throw graphError(
      'UNSUPPORTED_DTYPE',
      `${where} has element type ${number}, which Isthmus does not read. Convert it to float32, float16 or an integer type.`,
    )
  }
  return name
}

const widths: Record<DType, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  string: 0,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  bfloat16: 2,
}

/** Bytes of one element; 0 for strings, which have no fixed width. */
export const bytesPerElement = (dtype: DType): number => widths[dtype]
