import { pipelineError } from './errors.ts'
import type { StageArray } from './tensor-form.ts'
import type { WiredTensor } from './wiring.ts'

/** How the rows of a stage may be divided between two places: each row depends on itself alone. */
export interface StageDivision {
  /** First axis of all tensors that the stage reads and makes. */
  readonly rows: number
  /** With so many rows, and all but so many, each row comes out bit for bit as with all of them. */
  readonly leastRows: number
}

/** Most rows of a stage that is divided: sealing tries every part. */
export const MAX_DIVIDED_ROWS = 256

/** The tensor with so many of its rows; 0: all. */
export const tensorOfRows = <T extends Pick<WiredTensor, 'dims' | 'count'>>(tensor: T, rows: number): T =>
  rows === 0
    ? tensor
    : {
        ...tensor,
        dims: [rows, ...tensor.dims.slice(1)],
        count: (tensor.count / tensor.dims[0]!) * rows,
      }

/** Rows `from` … `to` − 1 of an array that holds all rows of a tensor: a view. */
export function rowsOf(
  array: StageArray,
  { dims, count }: Pick<WiredTensor, 'dims' | 'count'>,
  from: number,
  to: number,
): StageArray {
  const width = count / dims[0]!
  return array.subarray(from * width, to * width)
}

/** All rows again, in order, in an array of its own. */
export function joinRows(first: StageArray, rest: StageArray): StageArray {
  const all = new (first.constructor as new (length: number) => StageArray)(first.length + rest.length)
  all.set(first as never, 0)
  all.set(rest as never, first.length)
  return all
}

/** The rows that all tensors of a stage have. Throws `BAD_PIPELINE` naming one that has others, or is coded. */
export function commonRows(
  id: string,
  tensors: readonly Pick<WiredTensor, 'reference' | 'dims' | 'coded'>[],
): number {
  const rows = tensors[0]?.dims[0] ?? 0
  const refuse = (what: string) =>
    pipelineError('BAD_PIPELINE', `Stage '${id}' cannot be divided by rows: ${what}.`)
  for (const { reference, dims, coded } of tensors) {
    if (coded) throw refuse(`'${reference}' is coded, by the range of all of its rows`)
    if (dims[0] !== rows)
      throw refuse(`'${reference}' has ${dims[0] ?? 'no'} rows, '${tensors[0]!.reference}' ${rows}`)
  }
  if (rows < 2 || rows > MAX_DIVIDED_ROWS)
    throw refuse(`its tensors have ${rows} rows; 2 to ${MAX_DIVIDED_ROWS} can be divided`)
  return rows
}
