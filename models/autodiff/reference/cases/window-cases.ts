import type { AttributeValue } from '../../../onnx/index.ts'
import { type CaseMaker, type Choices, distinct, OPSETS, uniform } from './case.ts'

interface Windowed {
  readonly attributes: Record<string, AttributeValue>
  /** Rows and columns of the smallest input that the window fits into, plus a few. */
  readonly sizes: [number, number]
}

/**
 * Strides, dilations and pads for a kernel, with an input that it fits into. Each window of a pooling layer has a tap
 * inside the input: the largest of nothing is not defined.
 */
function windowed(choose: Choices, kernel: readonly number[], pooling: boolean): Windowed {
  const two = (make: (axis: number) => number): [number, number] => [make(0), make(1)]
  const strides = two(() => choose.integer(1, 3))
  const dilations = two(() => choose.pick([1, 1, 2]))
  const begins = two((axis) => choose.integer(0, pooling ? kernel[axis]! - 1 : 2))
  const ends = two((axis) => choose.integer(0, pooling ? kernel[axis]! - 1 : 2))
  const reach = two((axis) => (kernel[axis]! - 1) * dilations[axis]! + 1)
  const sizes = two((axis) => {
    const least = pooling ? reach[axis]! : Math.max(1, reach[axis]! - begins[axis]! - ends[axis]!)
    return least + choose.integer(0, 4)
  })
  return { attributes: { strides, dilations, pads: [...begins, ...ends] }, sizes }
}

const autoPads = ['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const

/** Now and then asks for automatic pads in place of stated ones. */
function perhapsAutoPad(
  choose: Choices,
  { attributes, sizes }: Windowed,
  kernel: readonly number[],
): Windowed {
  if (choose.integer(0, 4) > 0) return { attributes, sizes }
  // Where the stride is larger than the kernel, ONNX Runtime computes negative automatic pads and fails.
  return {
    attributes: { strides: kernel.map((size) => choose.integer(1, size)), auto_pad: choose.pick(autoPads) },
    sizes: [Math.max(sizes[0], kernel[0]!), Math.max(sizes[1], kernel[1]!)],
  }
}

/** Channels in and out per group: plain, grouped, depthwise, and depthwise with several outputs per channel. */
function channels(choose: Choices): { groups: number; perGroup: number; perGroupOutputs: number } {
  const kind = choose.pick(['plain', 'plain', 'grouped', 'depthwise', 'multiplied'] as const)
  if (kind === 'plain')
    return { groups: 1, perGroup: choose.integer(1, 3), perGroupOutputs: choose.integer(1, 3) }
  const groups = choose.integer(2, 3)
  if (kind === 'grouped') return { groups, perGroup: 2, perGroupOutputs: choose.integer(1, 2) }
  return { groups, perGroup: 1, perGroupOutputs: kind === 'depthwise' ? 1 : 2 }
}

/** Wide enough for Winograd's tiles. */
const wideConv: CaseMaker = (choose) => {
  const { random } = choose
  const [channels, outputs] = [choose.integer(24, 26), choose.integer(24, 26)]
  const image = [1, channels, choose.integer(1, 6), choose.integer(1, 6)]
  return {
    opset: choose.pick(OPSETS),
    byTiles: true,
    inputs: {
      x: uniform(image, random),
      kernel: uniform([outputs, channels, 3, 3], random),
      bias: uniform([outputs], random),
    },
    write: (g) => [g.op('Conv', ['x', 'kernel', 'bias'], { pads: [1, 1, 1, 1] })],
  }
}

const conv: CaseMaker = (choose) => {
  const { random } = choose
  const kernel = [choose.integer(1, 3), choose.integer(1, 3)]
  const { groups, perGroup, perGroupOutputs } = channels(choose)
  const { attributes, sizes } = perhapsAutoPad(choose, windowed(choose, kernel, false), kernel)
  const bias = choose.integer(0, 1) === 1
  const outputs = groups * perGroupOutputs
  return {
    opset: choose.pick(OPSETS),
    inputs: {
      x: uniform([choose.integer(1, 2), groups * perGroup, ...sizes], random),
      weights: uniform([outputs, perGroup, ...kernel], random),
      ...(bias ? { bias: uniform([outputs], random) } : {}),
    },
    write: (g) => [
      g.op('Conv', ['x', 'weights', ...(bias ? ['bias'] : [])], { ...attributes, group: groups }),
    ],
  }
}

/** Too wide for products of rows. */
const wideDepthwise: CaseMaker = (choose) => {
  const { random } = choose
  const kernel = [choose.integer(1, 2), choose.integer(1, 3)]
  const { attributes } = windowed(choose, kernel, false)
  const image = [1, 2, choose.integer(3, 4), choose.integer(49, 52)]
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform(image, random), weights: uniform([2, 1, ...kernel], random) },
    write: (g) => [g.op('Conv', ['x', 'weights'], { ...attributes, group: 2 })],
  }
}

const convTranspose: CaseMaker = (choose) => {
  const { random } = choose
  const kernel = [choose.integer(1, 3), choose.integer(1, 3)]
  const { groups, perGroup, perGroupOutputs } = channels(choose)
  const strides = [choose.integer(1, 3), choose.integer(1, 3)]
  const dilations = [choose.pick([1, 1, 2]), choose.pick([1, 1, 2])]
  const sizes = [choose.integer(1, 4), choose.integer(1, 4)]
  const full = sizes.map(
    (size, axis) => (size - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1,
  )
  const begins = full.map((size) => choose.integer(0, Math.min(1, size - 1)))
  const ends = full.map((size, axis) => choose.integer(0, Math.min(1, size - 1 - begins[axis]!)))
  const extra = [0, 1].map((axis) => choose.integer(0, strides[axis]! - 1))
  const bias = choose.integer(0, 1) === 1
  return {
    opset: choose.pick(OPSETS),
    inputs: {
      x: uniform([choose.integer(1, 2), groups * perGroup, ...sizes], random),
      weights: uniform([groups * perGroup, perGroupOutputs, ...kernel], random),
      ...(bias ? { bias: uniform([groups * perGroupOutputs], random) } : {}),
    },
    write: (g) => [
      g.op('ConvTranspose', ['x', 'weights', ...(bias ? ['bias'] : [])], {
        strides,
        dilations,
        pads: [...begins, ...ends],
        output_padding: extra,
        group: groups,
      }),
    ],
  }
}

interface Pooling extends Windowed {
  readonly kernel: readonly number[]
}

/** Side by side without padding before, on sizes that need not be multiples of the tile. */
function tiled(choose: Choices): Pooling {
  const kernel = [choose.integer(1, 3), choose.integer(1, 3)]
  const sizes: [number, number] = [kernel[0]! + choose.integer(0, 4), kernel[1]! + choose.integer(0, 4)]
  const ends = choose.pick([
    [0, 0],
    [0, 0],
    [Math.min(1, kernel[0]! - 1), Math.min(1, kernel[1]! - 1)],
  ])
  return { kernel, sizes, attributes: { strides: kernel, pads: [0, 0, ...ends] } }
}

function overlapping(choose: Choices): Pooling {
  const kernel = [choose.integer(1, 3), choose.integer(1, 3)]
  return { kernel, ...perhapsAutoPad(choose, windowed(choose, kernel, true), kernel) }
}

const maxPool: CaseMaker = (choose) => {
  const { kernel, sizes, attributes } = choose.pick([tiled, overlapping])(choose)
  // Windows that overlap or are padded need the adding ScatterElements of operator set 16.
  const opset = choose.pick(OPSETS.filter((version) => version >= 16))
  const [x] = distinct([[choose.integer(1, 2), choose.integer(1, 2), ...sizes]], choose.random)
  // Elsewhere shape inference and kernel of ONNX Runtime disagree about a last window that starts in the padding.
  const unpadded = !attributes.auto_pad && `${attributes.pads}` === '0,0,0,0' && !attributes.dilations
  const ceilMode = unpadded ? choose.integer(0, 1) : 0
  return {
    opset,
    inputs: { x: x! },
    write: (g) => [g.op('MaxPool', ['x'], { ...attributes, ceil_mode: ceilMode, kernel_shape: kernel })],
  }
}

const averagePool: CaseMaker = (choose) => {
  const opset = choose.pick(OPSETS)
  const { kernel, sizes, attributes } = choose.pick([tiled, overlapping])(choose)
  // Dilated averages came with operator set 19.
  const { dilations, ...undilated } = attributes
  const padding = choose.integer(0, 1)
  return {
    opset,
    inputs: { x: uniform([choose.integer(1, 2), choose.integer(1, 2), ...sizes], choose.random) },
    write: (g) => [
      g.op('AveragePool', ['x'], {
        ...(opset >= 19 ? attributes : undilated),
        kernel_shape: kernel,
        count_include_pad: padding,
      }),
    ],
  }
}

const globalAveragePool: CaseMaker = (choose) => {
  const spatial = Array.from({ length: choose.integer(1, 3) }, () => choose.integer(1, 3))
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: uniform([choose.integer(1, 2), choose.integer(1, 3), ...spatial], choose.random) },
    write: (g) => [g.op('GlobalAveragePool', ['x'])],
  }
}

/** Convolutions and pooling layers. */
export const windowCases: Record<string, CaseMaker> = {
  Conv: conv,
  "Conv, by Winograd's tiles": wideConv,
  'Conv, depthwise over a wide image': wideDepthwise,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
}
