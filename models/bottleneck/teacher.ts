import { cut, inspectModel, type Model, type ModelReport } from '../onnx/index.ts'
import { describeNetwork, type Network } from '../pack/network.ts'
import { bottleneckError } from './errors.ts'

/** A classifier that a bottleneck is to be put into. */
export interface Teacher {
  readonly model: Model
  readonly report: ModelReport
  readonly network: Network
  /** Height and width of the photo that it takes. */
  readonly side: number
}

/** The oldest operator set whose operators can stand in a graph of the sets that training is written in. */
const OLDEST_OPSET = 13

/**
 * Looks at a teacher: one square photo in, one float32 tensor out. Throws CANNOT_BOTTLENECK, and what `describeNetwork` and `inspectModel`
 * throw.
 */
export function readTeacher(model: Model, shapes: Readonly<Record<string, readonly number[]>> = {}): Teacher {
  const report = inspectModel(model, shapes)
  if (report.opset < OLDEST_OPSET) {
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      `The teacher is written in operator set ${report.opset}; training needs ${OLDEST_OPSET} or later. Export it with a newer one.`,
    )
  }
  const network = describeNetwork(report)
  const [height, width] = network.input.layout === 'NCHW' ? network.input.dims.slice(1) : network.input.dims
  if (height !== width) {
    throw bottleneckError(
      'CANNOT_BOTTLENECK',
      `The teacher takes photos of ${width}×${height}; bottlenecks are made for square ones. Export it for a square input.`,
    )
  }
  return { model, report, network, side: height! }
}

/** The teacher from one point to the next: `points` in order of computation, the first being where it is cut. */
export function pieces(model: Model, points: readonly string[]): Model[] {
  let rest = cut(model, points[0]!).tail
  const parts: Model[] = []
  for (const point of points.slice(1)) {
    const { head, tail } = cut(rest, point)
    parts.push(head)
    rest = tail
  }
  return [...parts, rest]
}
