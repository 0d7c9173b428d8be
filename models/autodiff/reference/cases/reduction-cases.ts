import { type CaseMaker, OPSETS, shape, uniform } from './case.ts'

/** Over some axes or all; the axes are an attribute of ReduceMean below operator set 18 and an input since. */
const reduction =
  (operator: 'ReduceSum' | 'ReduceMean', axesAreInputSince: number): CaseMaker =>
  (choose) => {
    const opset = choose.pick(OPSETS)
    const dims = shape(choose, choose.integer(0, 4), 3)
    const axes = [...dims.keys()]
      .filter(() => choose.integer(0, 1) === 1)
      .map((axis) => axis - choose.pick([0, dims.length]))
    const asInput = opset >= axesAreInputSince
    const attributes = {
      keepdims: choose.integer(0, 1),
      ...(asInput ? { noop_with_empty_axes: choose.integer(0, 1) } : {}),
      ...(asInput || axes.length === 0 ? {} : { axes }),
    }
    return {
      opset,
      inputs: { x: uniform(dims, choose.random) },
      write: (g) => [g.op(operator, asInput && axes.length > 0 ? ['x', g.ints(axes)] : ['x'], attributes)],
    }
  }

/** Sums and means over axes. */
export const reductionCases: Record<string, CaseMaker> = {
  ReduceSum: reduction('ReduceSum', 13),
  ReduceMean: reduction('ReduceMean', 18),
}
