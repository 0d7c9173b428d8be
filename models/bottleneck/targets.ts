import { packHalves, unpackHalves } from '../codec/half.ts'
import type { ImageInput } from '../data/index.ts'
import { toTensor } from '../data/index.ts'
import { elementCount, type Model, type ValueInfo } from '../onnx/index.ts'
import type { Session } from '../runtime/index.ts'
import { type AnswerKind, asProbabilities } from './answers.ts'
import { wantedName } from './training-graph.ts'
import { type Columns, type Field, fieldBytes, type ViewStore } from './view-store.ts'
import { viewOf } from './views.ts'

/** A place in the teacher, with its shape but for the batch. */
export interface Point {
  readonly tensor: string
  readonly dims: readonly number[]
}

/** The teacher with the values at the points among its outputs, in front of the answer. */
export function withTaps(model: Model, points: readonly Point[]): Model {
  const taps = points.map(
    ({ tensor, dims }): ValueInfo => ({ name: tensor, dtype: 'float32', dims: [null, ...dims] }),
  )
  return { ...model, graph: { ...model.graph, outputs: [...taps, ...model.graph.outputs] } }
}

export interface TargetPlan {
  readonly photos: readonly string[]
  readonly viewsPerPhoto: number
  readonly input: ImageInput & { readonly name: string }
  readonly side: number
  readonly seed: number
  readonly points: readonly Point[]
  readonly output: string
  readonly classes: number
  readonly kind: AnswerKind
}

type Sized = Pick<TargetPlan, 'side' | 'points' | 'classes'>

export const fieldsOf = ({ side, points, classes }: Sized): Field[] => [
  { name: 'pixels', dtype: 'uint8', length: 3 * side * side },
  ...points.map(
    ({ dims }, at): Field => ({ name: wantedName(at), dtype: 'float16', length: elementCount(dims) }),
  ),
  { name: 'answers', dtype: 'float32', length: classes },
]

/** Bytes that the targets take on the disk while a run lasts. */
export const targetBytes = (plan: Sized, records: number): number =>
  records * fieldsOf(plan).reduce((sum, field) => sum + fieldBytes(field), 0)

/** What the teacher, opened {@link withTaps}, gives for one view: a record of the store. */
export async function targetsOf(teacher: Session, plan: TargetPlan, at: number): Promise<Columns> {
  const { photos, viewsPerPhoto, input, side, seed, points } = plan
  const photo = Math.floor(at / viewsPerPhoto)
  const image = await viewOf(photos[photo]!, at % viewsPerPhoto, { side, fit: input.fit, seed, photo })
  const data = await toTensor(image, input)
  const given = await teacher.run({ [input.name]: { dtype: 'float32', dims: [1, ...input.dims], data } })
  const columns: Record<string, Uint8Array | Uint16Array | Float32Array> = { pixels: image.pixels }
  for (const [index, { tensor, dims }] of points.entries()) {
    const bytes = new Uint8Array(2 * elementCount(dims))
    packHalves(given[tensor]!.data as Float32Array, bytes)
    columns[wantedName(index)] = new Uint16Array(bytes.buffer)
  }
  columns.answers = asProbabilities(given[plan.output]!.data as Float32Array, plan.kind)
  return columns
}

export interface PointStatistics {
  readonly variance: number
  readonly least: number
}

/** Variance and least value at a point, over some records. */
export function pointStatistics(
  store: ViewStore,
  points: number,
  records: readonly number[],
): PointStatistics[] {
  const columns = store.read(records)
  return Array.from({ length: points }, (_, at) => {
    const halves = columns[wantedName(at)] as Uint16Array
    const values = new Float32Array(halves.length)
    unpackHalves(new Uint8Array(halves.buffer), values)
    let sum = 0
    let squares = 0
    let least = Number.POSITIVE_INFINITY
    for (const value of values) {
      sum += value
      squares += value * value
      if (value < least) least = value
    }
    const mean = sum / values.length
    // A map that never changes has nothing to learn; its error then counts as it is.
    return { variance: squares / values.length - mean * mean || 1, least }
  })
}
