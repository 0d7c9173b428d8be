import { describeNode, floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../graph.ts'
import { elementCount } from '../tensor.ts'
import {
  axisOf,
  broadcast,
  dimsAt,
  elementsAt,
  hasInput,
  like,
  listOf,
  mismatch,
  type NodeContext,
  type ShapeRule,
  type TensorType,
  typeAt,
} from './context.ts'
import { sliceRanges } from './slice-ranges.ts'

const concat: ShapeRule = (c) => {
  const first = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', 1), first.length)
  let sum = 0
  for (let i = 0; i < c.node.inputs.length; i++) {
    const dims = dimsAt(c, i)
    if (dims.length !== first.length || dims.some((dim, d) => d !== axis && dim !== first[d])) {
      throw mismatch(c, `[${first}] and [${dims}] cannot be joined along axis ${axis}`)
    }
    sum += dims[axis]!
  }
  return [like(c, 0, first.with(axis, sum))]
}

/** Sizes of the parts of a Split along an axis of `size`. */
export function splitSizes(c: NodeContext, size: number): readonly number[] {
  const stated = listOf(c, 'split', 1)
  if (stated) {
    const sum = stated.reduce((total, part) => total + part, 0)
    if (sum !== size || stated.length !== c.node.outputs.length) {
      throw mismatch(c, `parts [${stated}] do not make up ${size} in ${c.node.outputs.length} outputs`)
    }
    return stated
  }
  const parts = intAttribute(c.node, 'num_outputs', c.node.outputs.length)
  if (parts < 1 || parts > c.node.outputs.length) throw mismatch(c, `it has no ${parts} outputs`)
  const chunk = Math.ceil(size / parts)
  const sizes = new Array<number>(parts).fill(chunk)
  sizes[parts - 1] = size - chunk * (parts - 1)
  if (sizes[parts - 1]! < 0) throw mismatch(c, `${size} cannot be split into ${parts}`)
  return sizes
}

const split: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', 0), x.length)
  return splitSizes(c, x[axis]!).map((size) => like(c, 0, x.with(axis, size)))
}

const slice: ShapeRule = (c) => {
  const dims = [...dimsAt(c, 0)]
  for (const range of sliceRanges(c, dims)) dims[range.axis] = range.count
  return [like(c, 0, dims)]
}

const pad: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const pads = listOf(c, 'pads', 1) ?? intsAttribute(c.node, 'paddings', [])
  const axes = hasInput(c, 3)
    ? elementsAt(c, 3).map((axis) => axisOf(c, axis, x.length))
    : Array.from(x.keys())
  if (pads.length !== 2 * axes.length) throw mismatch(c, `pads [${pads}] do not fit axes [${axes}]`)
  const dims = [...x]
  axes.forEach((axis, i) => {
    dims[axis]! += pads[i]! + pads[axes.length + i]!
    if (dims[axis]! < 0) throw mismatch(c, `pads [${pads}] leave nothing of [${x}]`)
  })
  return [like(c, 0, dims)]
}

const reshape: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const wanted = listOf(c, 'shape', 1) ?? []
  const keepZero = intAttribute(c.node, 'allowzero', 0) === 1
  const dims = wanted.map((dim, i) => (dim === 0 && !keepZero ? (x[i] ?? -2) : dim))
  const free = dims.indexOf(-1)
  if (free >= 0) {
    const rest = -elementCount(dims)
    dims[free] = rest === 0 ? 0 : elementCount(x) / rest
  }
  if (elementCount(dims) !== elementCount(x) || dims.some((dim) => !Number.isInteger(dim) || dim < 0)) {
    throw mismatch(c, `[${x}] cannot be reshaped to [${wanted}]`)
  }
  return [like(c, 0, dims)]
}

const flatten: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const stated = intAttribute(c.node, 'axis', 1)
  const axis = stated < 0 ? stated + x.length : stated
  return [like(c, 0, [elementCount(x.slice(0, axis)), elementCount(x.slice(axis))])]
}

const transpose: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const order = intsAttribute(c.node, 'perm', Array.from(x.keys()).reverse())
  if (order.length !== x.length || new Set(order).size !== x.length || order.some((i) => !(i in x))) {
    throw mismatch(c, `perm [${order}] does not fit [${x}]`)
  }
  return [
    like(
      c,
      0,
      order.map((axis) => x[axis]!),
    ),
  ]
}

const squeeze: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const axes = listOf(c, 'axes', 1)?.map((axis) => axisOf(c, axis, x.length))
  const gone = new Set(axes ?? Array.from(x.keys()).filter((axis) => x[axis] === 1))
  for (const axis of gone) if (x[axis] !== 1) throw mismatch(c, `axis ${axis} of [${x}] is not 1`)
  return [
    like(
      c,
      0,
      x.filter((_, i) => !gone.has(i)),
    ),
  ]
}

const unsqueeze: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const given = listOf(c, 'axes', 1) ?? []
  const rank = x.length + given.length
  const added = new Set(given.map((axis) => axisOf(c, axis, rank)))
  if (added.size !== given.length) throw mismatch(c, `axes [${given}] name one axis twice`)
  let next = 0
  return [
    like(
      c,
      0,
      Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : x[next++]!)),
    ),
  ]
}

const expand: ShapeRule = (c) => [like(c, 0, broadcast(c, [dimsAt(c, 0), elementsAt(c, 1)]))]

const tile: ShapeRule = (c) => {
  const repeats = elementsAt(c, 1)
  return [
    like(
      c,
      0,
      dimsAt(c, 0).map((dim, i) => dim * (repeats[i] ?? 1)),
    ),
  ]
}

const gather: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', 0), x.length)
  return [like(c, 0, [...x.slice(0, axis), ...dimsAt(c, 1), ...x.slice(axis + 1)])]
}

const gatherElements: ShapeRule = (c) => [like(c, 0, dimsAt(c, 1))]

const gatherND: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const indices = dimsAt(c, 1)
  const deep = intAttribute(c.node, 'batch_dims', 0) + (indices.at(-1) ?? 0)
  return [like(c, 0, [...indices.slice(0, -1), ...x.slice(deep)])]
}

const oneHot: ShapeRule = (c) => {
  const indices = dimsAt(c, 0)
  const depth = elementsAt(c, 1)[0]!
  const axis = axisOf(c, intAttribute(c.node, 'axis', -1), indices.length + 1)
  return [{ dtype: typeAt(c, 2).dtype, dims: indices.toSpliced(axis, 0, depth) }]
}

const topK: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', -1), x.length)
  const k = hasInput(c, 1) ? elementsAt(c, 1)[0]! : intAttribute(c.node, 'k', 1)
  return [like(c, 0, x.with(axis, k)), { dtype: 'int64', dims: x.with(axis, k) }]
}

const shape: ShapeRule = (c) => [{ dtype: 'int64', dims: [shapeSlice(c).length] }]

/** What Shape gives: the dims of the input, cut to start..end since opset 15. */
export function shapeSlice(c: NodeContext): readonly number[] {
  const dims = dimsAt(c, 0)
  const end = c.node.attributes.end ? intAttribute(c.node, 'end', 0) : dims.length
  return dims.slice(intAttribute(c.node, 'start', 0), end)
}

const size: ShapeRule = () => [{ dtype: 'int64', dims: [] }]

const range: ShapeRule = (c) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => elementsAt(c, i)[0]!)
  return [like(c, 0, [Math.max(0, Math.ceil((limit! - start!) / delta!))])]
}

/** The tensor that a Constant holds, whichever attribute holds it. */
const constant: ShapeRule = (c) => {
  const kinds = c.node.attributes
  if (kinds.value?.type === 'tensor')
    return [{ dtype: kinds.value.value.dtype, dims: kinds.value.value.dims }]
  if (kinds.value_int) return [{ dtype: 'int64', dims: [] }]
  if (kinds.value_float) return [{ dtype: 'float32', dims: [] }]
  if (kinds.value_string) return [{ dtype: 'string', dims: [] }]
  const lists: [string, TensorType['dtype']][] = [
    ['value_ints', 'int64'],
    ['value_floats', 'float32'],
    ['value_strings', 'string'],
  ]
  for (const [name, dtype] of lists) {
    const list = kinds[name]?.value
    if (Array.isArray(list)) return [{ dtype, dims: [list.length] }]
  }
  throw mismatch(c, `${describeNode(c.node)} holds no value that Isthmus reads`)
}

const constantOfShape: ShapeRule = (c) => {
  const value = c.node.attributes.value
  return [{ dtype: value?.type === 'tensor' ? value.value.dtype : 'float32', dims: elementsAt(c, 0) }]
}

/** Resize (opset 10: x, scales; 11 on: x, roi, scales, sizes) and Upsample. */
const resize: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const old = c.node.op === 'Upsample' || c.opset < 11
  const stated = intsAttribute(c.node, 'axes', []).map((axis) => axisOf(c, axis, x.length))
  const axes = stated.length > 0 ? stated : Array.from(x.keys())
  const dims = [...x]
  if (!old && hasInput(c, 3)) {
    const sizes = elementsAt(c, 3)
    const policy = stringAttribute(c.node, 'keep_aspect_ratio_policy', 'stretch')
    const ratios = axes.map((axis, i) => sizes[i]! / x[axis]!)
    const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios)
    axes.forEach((axis, i) => {
      dims[axis] = policy === 'stretch' ? sizes[i]! : Math.round(scale * x[axis]!)
    })
    return [like(c, 0, dims)]
  }
  const attribute = c.node.attributes.scales
  const scales = attribute?.type === 'floats' ? attribute.value : elementsAt(c, old ? 1 : 2)
  if (scales.length !== axes.length) throw mismatch(c, `scales [${scales}] do not fit axes [${axes}]`)
  axes.forEach((axis, i) => {
    dims[axis] = Math.floor(x[axis]! * scales[i]!)
  })
  return [like(c, 0, dims)]
}

const spaceToDepth: ShapeRule = (c) => {
  const [n, channels, height, width] = dimsAt(c, 0)
  const block = intAttribute(c.node, 'blocksize', 1)
  if (height! % block || width! % block) throw mismatch(c, `[${dimsAt(c, 0)}] has no blocks of ${block}`)
  return [like(c, 0, [n!, channels! * block * block, height! / block, width! / block])]
}

const depthToSpace: ShapeRule = (c) => {
  const [n, channels, height, width] = dimsAt(c, 0)
  const block = intAttribute(c.node, 'blocksize', 1)
  if (channels! % (block * block)) throw mismatch(c, `[${dimsAt(c, 0)}] has no blocks of ${block}`)
  return [like(c, 0, [n!, channels! / (block * block), height! * block, width! * block])]
}

const gridSample: ShapeRule = (c) => [like(c, 0, [...dimsAt(c, 0).slice(0, 2), ...dimsAt(c, 1).slice(1, -1)])]

/** Noise whose shape is an attribute. */
const randomOfShape: ShapeRule = (c) => [
  {
    dtype: floatAttribute(c.node, 'dtype', 1) === 1 ? 'float32' : 'float64',
    dims: intsAttribute(c.node, 'shape', []),
  },
]

/** Operators that move, pick or make elements without computing on them. */
export const layoutRules: ReadonlyMap<string, ShapeRule> = new Map([
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Pad', pad],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Transpose', transpose],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Expand', expand],
  ['Tile', tile],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['GatherND', gatherND],
  ['OneHot', oneHot],
  ['TopK', topK],
  ['Shape', shape],
  ['Size', size],
  ['Range', range],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Resize', resize],
  ['Upsample', resize],
  ['SpaceToDepth', spaceToDepth],
  ['DepthToSpace', depthToSpace],
  ['GridSample', gridSample],
  ['RandomNormal', randomOfShape],
  ['RandomUniform', randomOfShape],
])
