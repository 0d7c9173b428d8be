import { elementCount, intAttribute } from '../../onnx/index.ts'
import { axisOf, dense, tabulate } from './dense.ts'
import { listOf, type ReferenceRule } from './rule.ts'

const reduction =
  (mean: boolean): ReferenceRule =>
  (node, [x, list]) => {
    const { dims, data } = x!
    const given = listOf(node, 'axes', list) ?? []
    if (given.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) === 1) return [x!]
    const axes = given.length > 0 ? given.map((axis) => axisOf(axis, dims.length)) : [...dims.keys()]
    const kept = dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    const sums = dense(kept)
    const divisor = mean ? elementCount(axes.map((axis) => dims[axis]!)) : 1
    tabulate(dims, (index, position) => {
      let target = 0
      for (let axis = 0; axis < dims.length; axis++) {
        target = target * kept[axis]! + (kept[axis] === 1 ? 0 : index[axis]!)
      }
      sums.data[target]! += data[position]! / divisor
      return 0
    })
    if (intAttribute(node, 'keepdims', 1) === 1) return [sums]
    return [
      dense(
        dims.filter((_, axis) => !axes.includes(axis)),
        sums.data,
      ),
    ]
  }

/** Sums and means over axes, as the ONNX specification defines them. */
export const reductionReference: Record<string, ReferenceRule> = {
  ReduceSum: reduction(false),
  ReduceMean: reduction(true),
}
