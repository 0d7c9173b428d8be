import { elementCount, intAttribute, intsAttribute, type Node } from '../../onnx/index.ts'
import { at, atBroadcast, axisOf, broadcastDims, type Dense, dense, tabulate } from './dense.ts'
import { listOf, plain, type ReferenceRule } from './rule.ts'

const reshaped = (x: Dense, dims: readonly number[]): Dense => dense(dims, x.data)

function reshape(x: Dense, shape: Dense): Dense {
  const wanted = Array.from(shape.data, (dim, axis) => (dim === 0 ? x.dims[axis]! : dim))
  const known = elementCount(wanted.filter((dim) => dim !== -1))
  return reshaped(
    x,
    wanted.map((dim) => (dim === -1 ? x.data.length / known : dim)),
  )
}

function flatten(node: Node, x: Dense): Dense {
  const axis = axisOf(intAttribute(node, 'axis', 1), x.dims.length)
  return reshaped(x, [elementCount(x.dims.slice(0, axis)), elementCount(x.dims.slice(axis))])
}

const squeeze: ReferenceRule = (node, [x, list]) => {
  const axes = listOf(node, 'axes', list)?.map((axis) => axisOf(axis, x!.dims.length))
  return [
    reshaped(
      x!,
      x!.dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)),
    ),
  ]
}

const unsqueeze: ReferenceRule = (node, [x, list]) => {
  const given = listOf(node, 'axes', list)!
  const rank = x!.dims.length + given.length
  const axes = given.map((axis) => axisOf(axis, rank))
  const rest = [...x!.dims]
  return [
    reshaped(
      x!,
      Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!)),
    ),
  ]
}

function transpose(node: Node, x: Dense): Dense {
  const perm = intsAttribute(node, 'perm', [...x.dims.keys()].reverse())
  return tabulate(
    perm.map((axis) => x.dims[axis]!),
    (index) => {
      const source = [...index]
      perm.forEach((axis, position) => {
        source[axis] = index[position]!
      })
      return at(x, source)
    },
  )
}

function expand(x: Dense, shape: Dense): Dense {
  return tabulate(broadcastDims(x.dims, Array.from(shape.data)), (index) => atBroadcast(x, index))
}

/** The part of `x` of size `size` from `start` along `axis`. */
const part = (x: Dense, axis: number, start: number, size: number): Dense =>
  tabulate(x.dims.with(axis, size), (index) => at(x, index.with(axis, index[axis]! + start)))

function concat(node: Node, ...parts: Dense[]): Dense {
  const [first] = parts as [Dense]
  const axis = axisOf(intAttribute(node, 'axis', 0), first.dims.length)
  const owner = parts.flatMap(({ dims }, which) =>
    Array.from({ length: dims[axis]! }, (_, position) => ({ which, position })),
  )
  return tabulate(first.dims.with(axis, owner.length), (index) => {
    const { which, position } = owner[index[axis]!]!
    return at(parts[which]!, index.with(axis, position))
  })
}

const split: ReferenceRule = (node, [x, list]) => {
  const axis = axisOf(intAttribute(node, 'axis', 0), x!.dims.length)
  const size = x!.dims[axis]!
  const even = Math.ceil(size / node.outputs.length)
  const sizes =
    listOf(node, 'split', list) ?? node.outputs.map((_, index) => Math.min(even, size - index * even))
  let start = 0
  return sizes.map((length) => {
    start += length
    return part(x!, axis, start - length, length)
  })
}

const slice: ReferenceRule = (_, [x, starts, ends, axes, steps]) => {
  const dims = [...x!.dims]
  const from = dims.map(() => 0)
  const by = dims.map(() => 1)
  starts!.data.forEach((start, index) => {
    const axis = axisOf(axes ? axes.data[index]! : index, dims.length)
    const size = dims[axis]!
    const step = steps ? steps.data[index]! : 1
    const places = Array.from({ length: size }, (_, place) => place)
    const first = start < 0 ? start + size : start
    const end = ends!.data[index]! < 0 ? ends!.data[index]! + size : ends!.data[index]!
    const begin = step > 0 ? Math.max(0, first) : Math.min(size - 1, first)
    const taken = places.filter((place) =>
      step > 0
        ? place >= begin && place < end && (place - begin) % step === 0
        : place <= begin && place > end && (begin - place) % -step === 0,
    )
    from[axis] = begin
    by[axis] = step
    dims[axis] = taken.length
  })
  return [
    tabulate(dims, (index) =>
      at(
        x!,
        index.map((place, axis) => from[axis]! + place * by[axis]!),
      ),
    ),
  ]
}

/** Constant padding; a negative pad crops. */
const pad: ReferenceRule = (node, [x, list, value, chosen]) => {
  const rank = x!.dims.length
  const pads = listOf(node, 'pads', list)!
  const axes = chosen ? Array.from(chosen.data, (axis) => axisOf(axis, rank)) : [...x!.dims.keys()]
  const before = x!.dims.map(() => 0)
  const dims = [...x!.dims]
  axes.forEach((axis, index) => {
    before[axis] = pads[index]!
    dims[axis]! += pads[index]! + pads[index + axes.length]!
  })
  return [
    tabulate(dims, (index) => {
      const source = index.map((place, axis) => place - before[axis]!)
      const inside = source.every((place, axis) => place >= 0 && place < x!.dims[axis]!)
      return inside ? at(x!, source) : (value?.data[0] ?? 0)
    }),
  ]
}

/** Operators that move elements without changing them, as the ONNX specification defines them. */
export const layoutReference: Record<string, ReferenceRule> = {
  Reshape: plain((_, x, shape) => reshape(x, shape)),
  Flatten: plain(flatten),
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: plain(transpose),
  Expand: plain((_, x, shape) => expand(x, shape)),
  Concat: plain(concat),
  Split: split,
  Slice: slice,
  Pad: pad,
}
