import type { Session, Tensor } from '../runtime/session.ts'
import { pipelineError } from './errors.ts'
import { rowsOf } from './rows.ts'
import type { StageArray } from './tensor-form.ts'

type Feeds = Readonly<Record<string, Tensor>>

/**
 * The least rows of a part with which every row comes out bit for bit as with all of them, whatever the other part's. Found by
 * running every part there is on numbers that differ from row to row: kernels for a single row may sum in another order.
 *
 * Throws `BAD_PIPELINE` for a model whose rows depend on each other, or that takes no other number of them.
 */
export async function leastRowsOf(id: string, session: Session, zeros: Feeds, rows: number): Promise<number> {
  const { feeds, whole } = await mixedRun(session, zeros)
  const isSame: boolean[] = [false]
  for (let first = 1; first < rows; first++) {
    isSame.push(
      (await gives(id, session, feeds, whole, rows, 0, first)) &&
        (await gives(id, session, feeds, whole, rows, first, rows)),
    )
  }
  let least = Math.floor(rows / 2) + 1
  while (least > 1 && isSame[least - 1] && isSame[rows - least + 1]) least--
  if (2 * least <= rows) return least
  throw pipelineError(
    'BAD_PIPELINE',
    `Stage '${id}' is not divisible: parts of its rows do not come out bit for bit as with all ${rows} of them.`,
  )
}

async function gives(
  id: string,
  session: Session,
  feeds: Feeds,
  whole: Feeds,
  rows: number,
  from: number,
  to: number,
): Promise<boolean> {
  const part = Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      {
        ...tensor,
        dims: [to - from, ...tensor.dims.slice(1)],
        data: rowsOf(tensor.data as StageArray, formOf(tensor), from, to),
      } as Tensor,
    ]),
  )
  let results: Feeds
  try {
    results = await session.run(part)
  } catch (error) {
    throw pipelineError(
      'BAD_PIPELINE',
      `Stage '${id}' is not divisible: its model takes ${rows} rows, but not ${to - from}. Leave the first axis of its inputs open.`,
      error,
    )
  }
  return Object.entries(whole).every(([name, tensor]) => {
    if (tensor.dims[0] !== rows) return true
    const wanted = rowsOf(tensor.data as StageArray, formOf(tensor), from, to)
    const given = results[name]?.data as StageArray | undefined
    return given !== undefined && bytesOf(given).equals(bytesOf(wanted))
  })
}

const formOf = ({ dims, data }: Tensor) => ({ dims, count: data.length })

const bytesOf = ({ buffer, byteOffset, byteLength }: StageArray) =>
  Buffer.from(buffer, byteOffset, byteLength)

/** A run on numbers that differ. Whole numbers may be indices and sizes: where 1 is too many, they stay 0. */
async function mixedRun(
  session: Session,
  zeros: Feeds,
): Promise<{ readonly feeds: Feeds; readonly whole: Feeds }> {
  const holdsWhole = ({ data }: Tensor) => data instanceof Int32Array || data instanceof BigInt64Array
  if (Object.values(zeros).some(holdsWhole)) {
    try {
      const feeds = mixed(zeros, 2)
      return { feeds, whole: await session.run(feeds) }
    } catch {}
  }
  const feeds = mixed(zeros, 1)
  return { feeds, whole: await session.run(feeds) }
}

/** Other numbers in every element; whole numbers are below `wholes`. */
function mixed(zeros: Feeds, wholes: number): Feeds {
  let seed = 0x9e3779b9
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  const fill = ({ data }: Tensor) => {
    if (data instanceof Float32Array || data instanceof Float64Array) return data.map(() => 2 * next() - 1)
    if (data instanceof Int32Array) return data.map(() => wholes * next())
    if (data instanceof BigInt64Array) return data.map(() => BigInt(Math.floor(wholes * next())))
    return data instanceof Uint8Array ? data.map(() => 256 * next()) : data
  }
  return Object.fromEntries(
    Object.entries(zeros).map(([name, tensor]) => [name, { ...tensor, data: fill(tensor) } as Tensor]),
  )
}
