import type { Session, SessionOptions, Tensor } from '../runtime/session.ts'

/** Opens a model from its bytes or file, as `@isthmus/models/runtime` does. */
export type OpenSession = (model: Uint8Array | string, options?: SessionOptions) => Promise<Session>

/** How far head and tail are from the whole. */
export interface CutComparison {
  /** Every output equal bit for bit. */
  readonly identical: boolean
  /** Largest absolute difference over all numeric outputs; NaN and infinite values count when they differ. */
  readonly maxAbsDifference: number
}

/** Runs the whole model and head then tail on the same inputs, and compares every output. */
export async function compareCut(
  models: {
    readonly whole: Uint8Array | string
    readonly head: Uint8Array | string
    readonly tail: Uint8Array | string
  },
  feeds: Readonly<Record<string, Tensor>>,
  openSession: OpenSession,
  options: SessionOptions = {},
): Promise<CutComparison> {
  const run = async (model: Uint8Array | string, inputs: Readonly<Record<string, Tensor>>) => {
    const session = await openSession(model, options)
    try {
      return await session.run(inputs)
    } finally {
      await session.dispose()
    }
  }
  const whole = await run(models.whole, feeds)
  const parts = await run(models.tail, await run(models.head, feeds))
  return compareOutputs(whole, parts)
}

/** Compares two sets of outputs by name. */
export function compareOutputs(
  expected: Readonly<Record<string, Tensor>>,
  actual: Readonly<Record<string, Tensor>>,
): CutComparison {
  let identical = Object.keys(expected).length === Object.keys(actual).length
  let maxAbsDifference = 0
  for (const [name, a] of Object.entries(expected)) {
    const b = actual[name]
    if (!b || b.dtype !== a.dtype || `${b.dims}` !== `${a.dims}`) {
      return { identical: false, maxAbsDifference: Number.POSITIVE_INFINITY }
    }
    if (sameBytes(a.data, b.data)) continue
    identical = false
    for (let i = 0; i < a.data.length; i++) {
      const difference = Math.abs(Number(a.data[i]) - Number(b.data[i]))
      if (Object.is(a.data[i], b.data[i])) continue
      maxAbsDifference = Math.max(
        maxAbsDifference,
        Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference,
      )
    }
  }
  return { identical, maxAbsDifference }
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    Buffer.compare(
      new Uint8Array(a.buffer, a.byteOffset, a.byteLength),
      new Uint8Array(b.buffer, b.byteOffset, b.byteLength),
    ) === 0
  )
}
