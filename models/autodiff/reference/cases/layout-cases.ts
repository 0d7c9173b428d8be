import { elementCount } from '../../../onnx/index.ts'
import { type CaseMaker, type Choices, constantOf, narrowed, OPSETS, shape, uniform } from './case.ts'

const someShape = (choose: Choices, least = 1, largest = 4): number[] =>
  shape(choose, choose.integer(least, 4), largest)

/** An axis of `rank`, counted from either end. */
const eitherEnd = (choose: Choices, rank: number): number => choose.integer(-rank, rank - 1)

const reshape: CaseMaker = (choose) => {
  const dims = someShape(choose)
  const merged = choose.integer(0, dims.length - 1)
  const targets = [
    [-1],
    [elementCount(dims), 1],
    [...dims.slice(0, merged), -1],
    [0, -1],
    [...dims.slice(0, merged), 1, ...dims.slice(merged)],
  ]
  const target = choose.pick(targets)
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [g.op('Reshape', ['x', g.ints(target)])],
  }
}

const flatten: CaseMaker = (choose) => {
  const dims = someShape(choose, 1, 3)
  const axis = choose.integer(-dims.length, dims.length)
  const stated = choose.integer(0, 2) > 0
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [g.op('Flatten', ['x'], stated ? { axis } : {})],
  }
}

const squeeze: CaseMaker = (choose) => {
  const dims = someShape(choose).map((dim) => choose.pick([1, dim]))
  const ones = [...dims.keys()].filter((axis) => dims[axis] === 1 && choose.integer(0, 1) === 1)
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [
      g.op('Squeeze', ones.length > 0 ? ['x', g.ints(ones.map((axis) => axis - dims.length))] : ['x']),
    ],
  }
}

const unsqueeze: CaseMaker = (choose) => {
  const dims = shape(choose, choose.integer(0, 3), 3)
  const axes = choose.pick([[0], [-1], [0, -1], [1, 0]]).filter((axis) => axis <= dims.length)
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [g.op('Unsqueeze', ['x', g.ints(axes)])],
  }
}

const transpose: CaseMaker = (choose) => {
  const dims = someShape(choose)
  const rest = [...dims.keys()]
  const perm = dims.map(() => rest.splice(choose.integer(0, rest.length - 1), 1)[0]!)
  const stated = choose.integer(0, 4) > 0
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [g.op('Transpose', ['x'], stated ? { perm } : {})],
  }
}

const expand: CaseMaker = (choose) => {
  const target = someShape(choose, 0, 3)
  const dims = narrowed(choose, target)
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => [g.op('Expand', ['x', g.ints(target)])],
  }
}

const concat: CaseMaker = (choose) => {
  const dims = someShape(choose, 1, 3)
  const axis = eitherEnd(choose, dims.length)
  const count = choose.integer(1, 3)
  const inputs = Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const own = dims.with(axis, choose.integer(1, 3))
      return [`x${index}`, uniform(own, choose.random)]
    }),
  )
  return {
    opset: choose.pick(OPSETS),
    inputs,
    write: (g) => [g.op('Concat', Object.keys(inputs), { axis })],
  }
}

/** Even parts, or stated ones; sometimes only some of the parts are used. */
const split: CaseMaker = (choose) => {
  const opset = choose.pick(OPSETS)
  const parts = choose.integer(1, 3)
  const stated = choose.integer(0, 1) === 1
  const sizes = Array.from({ length: parts }, () => choose.integer(1, 3))
  // Since operator set 18 the last of even parts may be smaller.
  const even = parts * choose.integer(2, 3) - (opset >= 18 && parts > 1 ? choose.integer(0, 1) : 0)
  const dims = someShape(choose, 1, 3)
  const axis = eitherEnd(choose, dims.length)
  const size = stated ? sizes.reduce((sum, part) => sum + part, 0) : even
  const first = choose.integer(0, parts - 1)
  return {
    opset,
    inputs: { x: uniform(dims.with(axis, size), choose.random) },
    write: (g) => {
      const names = sizes.map((_, index) => `part${index}`)
      const inputs = stated ? ['x', g.ints(sizes)] : ['x']
      const count: Record<string, number> = stated || opset < 18 ? {} : { num_outputs: parts }
      return g.ops('Split', inputs, { axis, ...count }, names).slice(first)
    },
  }
}

/** Any start, end and step along one or more axes, beyond the borders too, that leave something. */
const slice: CaseMaker = (choose) => {
  const dims = someShape(choose, 1, 6)
  const axes = [...dims.keys()].filter(() => choose.integer(0, 1) === 1)
  if (axes.length === 0) axes.push(0)
  const ranges = axes.map((axis) => {
    const size = dims[axis]!
    const step = choose.pick([1, 1, 2, 3, -1, -2, -3])
    const first = choose.integer(0, size - 1)
    const second = choose.integer(0, size - 1)
    const [low, high] = [Math.min(first, second), Math.max(first, second)]
    const open = choose.integer(0, 2) === 0
    if (step > 0) return { start: choose.pick([low, low - size]), end: open ? 2 ** 31 - 1 : high + 1, step }
    return {
      start: choose.pick([high, high - size, high === size - 1 ? 100 : high]),
      end: open ? -1000 : low - 1 - size,
      step,
    }
  })
  const stepped = ranges.some(({ step }) => step !== 1)
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => {
      const list = (make: (range: (typeof ranges)[number]) => number) => g.ints(ranges.map(make))
      const inputs = ['x', list(({ start }) => start), list(({ end }) => end), g.ints(axes)]
      if (stepped) inputs.push(list(({ step }) => step))
      return [g.op('Slice', inputs)]
    },
  }
}

/** Zeros or another constant around, or a crop. */
const pad: CaseMaker = (choose) => {
  const opset = choose.pick(OPSETS)
  const dims = someShape(choose)
  const some = opset >= 18 && choose.integer(0, 1) === 1
  const axes = some ? [choose.integer(0, dims.length - 1)] : [...dims.keys()]
  const begins = axes.map((axis) => choose.integer(dims[axis]! > 1 ? -1 : 0, 2))
  const ends = axes.map((axis, index) => choose.integer(dims[axis]! + begins[index]! > 1 ? -1 : 0, 2))
  const value = choose.pick([undefined, 0, 1.5])
  const mode = choose.pick([undefined, 'constant'])
  return {
    opset,
    inputs: { x: uniform(dims, choose.random) },
    write: (g) => {
      const inputs = ['x', g.ints([...begins, ...ends])]
      if (value !== undefined || some) inputs.push(value === undefined ? '' : g.scalar(value))
      if (some) inputs.push(g.constant(constantOf('int64', [1], [axes[0]! - dims.length])))
      return [g.op('Pad', inputs, mode === undefined ? {} : { mode })]
    },
  }
}

/** Operators that move elements without changing them. */
export const layoutCases: Record<string, CaseMaker> = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
}
