import { axisOf, elementsAt, listOf, mismatch, type NodeContext } from './context.ts'

/** What a Slice takes along one axis: `count` elements from `start`, `step` apart. */
export interface SliceRange {
  readonly axis: number
  readonly start: number
  readonly step: number
  readonly count: number
}

/** The ranges of a Slice over `dims`; starts, ends and axes were attributes before opset 10. */
export function sliceRanges(c: NodeContext, dims: readonly number[]): SliceRange[] {
  const starts = listOf(c, 'starts', 1) ?? []
  const ends = listOf(c, 'ends', 2) ?? []
  const axes = listOf(c, 'axes', 3) ?? Array.from(starts.keys())
  const steps = c.types[4] ? elementsAt(c, 4) : axes.map(() => 1)
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    throw mismatch(
      c,
      `starts [${starts}], ends [${ends}], axes [${axes}] and steps [${steps}] differ in length`,
    )
  }
  return axes.map((given, i) => {
    const axis = axisOf(c, given, dims.length)
    const size = dims[axis]!
    const step = steps[i]!
    if (step === 0) throw mismatch(c, 'a step of 0')
    const place = (at: number, low: number, high: number) =>
      Math.min(Math.max(at < 0 ? at + size : at, low), high)
    const start = step > 0 ? place(starts[i]!, 0, size) : place(starts[i]!, 0, size - 1)
    const end = step > 0 ? place(ends[i]!, 0, size) : place(ends[i]!, -1, size - 1)
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) }
  })
}
