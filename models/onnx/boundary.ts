import type { IsthmusError } from '@isthmus/proto'
import { graphError } from './errors.ts'
import type { Dimension, Model, ValueInfo } from './graph.ts'
import { inferShapesPartly, type TensorType } from './shapes.ts'

/** Sizes tried, in turn, for free dimensions other than the batch: the first that the model accepts serves. */
const trialSizes: readonly (readonly [number, number])[] = [
  [224, 256],
  [64, 96],
  [32, 48],
  [8, 16],
]

interface Trial {
  readonly types: ReadonlyMap<string, TensorType>
  readonly failures: readonly IsthmusError[]
}

/**
 * Infers shapes twice, with two sizes for each free dimension of the inputs: what differs between the two is
 * free in the result as well.
 */
function trials(model: Model, sizes: readonly [number, number]): readonly [Trial, Trial] {
  const size = (which: 0 | 1, i: number): number => (i === 0 ? which + 1 : sizes[which])
  const run = (which: 0 | 1): Trial =>
    inferShapesPartly(
      model,
      Object.fromEntries(
        model.graph.inputs.map((input) => [
          input.name,
          (input.dims ?? []).map((dim, i) => (typeof dim === 'number' ? dim : size(which, i))),
        ]),
      ),
    )
  return [run(0), run(1)]
}

/** The names that the inputs give to their free dimensions, by the two sizes that these were tried with. */
function namesOfSizes(model: Model, sizes: readonly [number, number]): Map<string, string | null> {
  const names = new Map<string, string | null>()
  for (const { dims = [] } of model.graph.inputs) {
    dims.forEach((dim, i) => {
      if (typeof dim === 'number') return
      const key = i === 0 ? '1,2' : `${sizes}`
      names.set(key, names.has(key) && names.get(key) !== dim ? null : dim)
    })
  }
  return names
}

/**
 * Type and shape of an inner value for the signature of a part: as the model states it, or inferred with its free
 * dimensions left free. Throws CANNOT_CUT when the value is not a tensor, or nothing says what it is.
 */
export function boundaryInfo(model: Model, tensor: string): ValueInfo {
  const stated = model.graph.values.get(tensor)
  if (stated?.dims) return checked(stated)
  let failure: IsthmusError | undefined
  for (const sizes of trialSizes) {
    const [a, b] = trials(model, sizes)
    const first = a.types.get(tensor)
    const second = b.types.get(tensor)
    failure = a.failures[0] ?? b.failures[0]
    if (!first || !second) continue
    const names = namesOfSizes(model, sizes)
    const dims = first.dims.map((dim, i): Dimension => {
      const other = second.dims[i]!
      return dim === other ? dim : (names.get(`${dim},${other}`) ?? null)
    })
    return checked({ name: tensor, dtype: first.dtype, dims })
  }
  if (stated) return checked(stated)
  throw graphError(
    'CANNOT_CUT',
    `Cannot cut at "${tensor}": the model does not state its type${failure ? `, and ${failure.message}` : '.'}`,
    failure,
  )
}

function checked(info: ValueInfo): ValueInfo {
  if (info.dtype !== 'string') return info
  throw graphError('CANNOT_CUT', `Cannot cut at "${info.name}": it holds strings, which have no fixed size.`)
}
