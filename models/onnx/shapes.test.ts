import { IsthmusError } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { openSession } from '../runtime/node.ts'
import { type AttributeValue, float, GraphBuilder } from './builder.ts'
import { fixtureGraphs } from './fixtures.ts'
import type { Model } from './graph.ts'
import { readModel } from './read.ts'
import { seededFeeds } from './seeded-feeds.ts'
import { inferShapes, inferShapesPartly, type TensorType } from './shapes.ts'
import { type ConstantTensor, elementCount, float32Tensor, int64Tensor } from './tensor.ts'
import { writeModel } from './write.ts'

/** What the runtime says: every inner value is made an output, and the model is run. */
async function measured(model: Model, shapes: Record<string, readonly number[]>) {
  const inferred = inferShapes(model, shapes)
  const outputs = model.graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && inferred.get(name)?.dtype !== 'string')
    .map((name) => ({ name, dtype: inferred.get(name)!.dtype }))
  const session = await openSession(writeModel({ ...model, graph: { ...model.graph, outputs } }), {
    graphOptimization: 'disabled',
  })
  const results = await session.run(seededFeeds(model, shapes))
  await session.dispose()
  const types = (of: (name: string) => TensorType) =>
    Object.fromEntries(outputs.map(({ name }) => [name, `${of(name).dtype} [${of(name).dims}]`]))
  return { inferred: types((name) => inferred.get(name)!), run: types((name) => results[name]!) }
}

type Case = [
  name: string,
  op: string,
  input: number[],
  rest: (ConstantTensor | '')[],
  attributes?: Record<string, AttributeValue>,
  options?: { outputs?: number; opset?: number },
]

const ints = (...values: number[]) => int64Tensor(values)
const scalar = (value: number) => int64Tensor([value], [])
const f32 = (...dims: number[]) => float32Tensor(new Float32Array(elementCount(dims)).fill(0.5), dims)
const window = { kernel_shape: [3, 3] }

const cases: Case[] = [
  ['plain', 'Conv', [2, 3, 9, 10], [f32(4, 3, 3, 3)]],
  [
    'strided, dilated, grouped',
    'Conv',
    [1, 4, 15, 13],
    [f32(6, 2, 3, 3)],
    { group: 2, strides: [2, 3], dilations: [2, 1], pads: [1, 0, 2, 1] },
  ],
  ['SAME_UPPER', 'Conv', [1, 2, 11, 8], [f32(2, 2, 3, 3)], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ['SAME_LOWER', 'Conv', [1, 2, 11, 8], [f32(2, 2, 4, 4)], { auto_pad: 'SAME_LOWER', strides: [3, 2] }],
  ['VALID', 'Conv', [1, 2, 11, 8], [f32(2, 2, 3, 3)], { auto_pad: 'VALID' }],
  ['one axis', 'Conv', [1, 2, 11], [f32(2, 2, 3)], { strides: [2] }],
  ['three axes', 'Conv', [1, 2, 5, 6, 7], [f32(2, 2, 3, 3, 3)]],
  ['plain', 'ConvTranspose', [1, 3, 5, 4], [f32(3, 2, 3, 3)]],
  [
    'output_padding',
    'ConvTranspose',
    [1, 4, 5, 4],
    [f32(4, 3, 3, 3)],
    { group: 2, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
  ],
  [
    'SAME_UPPER',
    'ConvTranspose',
    [1, 3, 5, 4],
    [f32(3, 2, 3, 3)],
    { strides: [2, 2], auto_pad: 'SAME_UPPER' },
  ],
  [
    'output_shape',
    'ConvTranspose',
    [1, 3, 5, 4],
    [f32(3, 2, 3, 3)],
    { strides: [2, 2], output_shape: [10, 9] },
  ],
  ['dilated', 'ConvTranspose', [1, 3, 5, 4], [f32(3, 2, 3, 3)], { dilations: [2, 2] }],
  ['floor', 'MaxPool', [1, 2, 10, 9], [], { ...window, strides: [2, 2] }, { outputs: 2 }],
  ['ceil', 'MaxPool', [1, 2, 10, 9], [], { ...window, strides: [2, 2], ceil_mode: 1 }, { outputs: 2 }],
  [
    'ceil drops a window in the padding',
    'MaxPool',
    [1, 2, 5, 7],
    [],
    { kernel_shape: [1, 2], strides: [2, 3], pads: [0, 1, 0, 1], ceil_mode: 1 },
  ],
  ['dilated', 'MaxPool', [1, 2, 10, 9], [], { ...window, dilations: [2, 3] }],
  ['SAME_UPPER', 'MaxPool', [1, 2, 10, 9], [], { ...window, strides: [2, 2], auto_pad: 'SAME_UPPER' }],
  [
    'ceil',
    'AveragePool',
    [1, 2, 10, 8],
    [],
    { ...window, strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 },
  ],
  ['SAME_LOWER', 'AveragePool', [1, 2, 10, 8], [], { ...window, strides: [3, 2], auto_pad: 'SAME_LOWER' }],
  ['', 'GlobalAveragePool', [2, 3, 4, 5], []],
  ['', 'GlobalMaxPool', [2, 3, 4], []],
  ['inference', 'BatchNormalization', [2, 3, 4], [f32(3), f32(3), f32(3), f32(3)]],
  [
    'training',
    'BatchNormalization',
    [2, 3, 4],
    [f32(3), f32(3), f32(3), f32(3)],
    { training_mode: 1 },
    { outputs: 3 },
  ],
  ['', 'InstanceNormalization', [2, 3, 4], [f32(3), f32(3)]],
  ['', 'LayerNormalization', [2, 3, 4], [f32(3, 4)], { axis: 1 }, { outputs: 3 }],
  ['', 'LRN', [1, 3, 4, 4], [], { size: 3 }],
  ['transposed', 'Gemm', [4, 2], [f32(5, 4), f32(5)], { transA: 1, transB: 1 }],
  ['matrices', 'MatMul', [2, 3], [f32(3, 4)]],
  ['batched, broadcasting', 'MatMul', [5, 1, 2, 3], [f32(4, 3, 6)]],
  ['vector right', 'MatMul', [2, 3], [f32(3)]],
  ['vector left', 'MatMul', [3], [f32(2, 3, 4)]],
  ['broadcasting both ways', 'Add', [4, 1, 3], [f32(2, 1)]],
  ['', 'Pow', [2, 3], [f32()]],
  ['', 'PRelu', [2, 3, 4], [f32(3, 1)]],
  ['', 'Less', [2, 3], [f32(3)]],
  ['three operands', 'Max', [2, 1], [f32(1, 3), f32(1)]],
  ['', 'Mean', [2, 1], [f32(1, 3)]],
  ['', 'Softmax', [2, 3], [], { axis: 1 }],
  ['', 'Cast', [2, 3], [], { to: 7 }],
  ['negative axis', 'Concat', [2, 3, 4], [f32(2, 3, 1)], { axis: -1 }],
  ['by sizes', 'Split', [2, 6], [ints(1, 2, 3)], { axis: 1 }, { outputs: 3 }],
  ['by number, uneven', 'Split', [2, 7], [], { axis: 1, num_outputs: 3 }, { outputs: 3, opset: 18 }],
  ['equal', 'Split', [2, 6], [], { axis: 1 }, { outputs: 2 }],
  ['steps and far ends', 'Slice', [8, 9], [ints(-1, 1), ints(-100, 1000), ints(0, -1), ints(-2, 3)]],
  ['nothing left', 'Slice', [8, 9], [ints(5), ints(2), ints(0)]],
  ['axes left out', 'Slice', [8, 9], [ints(1, 2), ints(-1, -2)]],
  ['attributes', 'Slice', [8, 9], [], { starts: [2], ends: [5], axes: [1] }, { opset: 9 }],
  ['', 'Pad', [2, 3], [ints(0, 1, 2, -1)]],
  ['axes', 'Pad', [2, 3, 4], [ints(1, 2), '', ints(-1)], {}, { opset: 18 }],
  ['zero and -1', 'Reshape', [2, 3, 4], [ints(0, -1)]],
  ['to a scalar', 'Reshape', [1, 1], [int64Tensor([], [0])]],
  ['', 'Flatten', [2, 3, 4], [], { axis: 2 }],
  ['axis 0', 'Flatten', [2, 3, 4], [], { axis: 0 }],
  ['negative axis', 'Flatten', [2, 3, 4], [], { axis: -1 }],
  ['reversed', 'Transpose', [2, 3, 4], []],
  ['', 'Transpose', [2, 3, 4], [], { perm: [1, 2, 0] }],
  ['all ones', 'Squeeze', [1, 3, 1], []],
  ['', 'Squeeze', [1, 3, 1], [ints(-1)]],
  ['attribute', 'Squeeze', [1, 3, 1], [], { axes: [0] }, { opset: 11 }],
  ['', 'Unsqueeze', [2, 3], [ints(0, -1)]],
  ['attribute', 'Unsqueeze', [2, 3], [], { axes: [1] }, { opset: 11 }],
  ['wider and not', 'Expand', [3, 1], [ints(2, 1, 4)]],
  ['', 'Tile', [2, 3], [ints(2, 1)]],
  ['matrix of indices', 'Gather', [4, 5], [int64Tensor([0, 1, 2, 3, 0, 1], [3, 2])], { axis: 1 }],
  ['scalar index', 'Gather', [4, 5], [scalar(-1)], { axis: 0 }],
  ['', 'GatherElements', [4, 5], [int64Tensor([0, 1], [2, 1])], { axis: 0 }],
  ['', 'GatherND', [4, 5, 6], [int64Tensor([0, 1, 2, 3], [2, 2])]],
  ['', 'ScatterND', [4, 5], [int64Tensor([0, 1], [2, 1]), f32(2, 5)]],
  ['', 'ScatterElements', [4, 5], [int64Tensor([0, 1], [1, 2]), f32(1, 2)]],
  ['axes input', 'ReduceSum', [2, 3, 4], [ints(-1, 0)], { keepdims: 0 }],
  ['no axes', 'ReduceSum', [2, 3, 4], [], { keepdims: 0 }],
  ['noop', 'ReduceSum', [2, 3, 4], [], { noop_with_empty_axes: 1 }],
  ['attribute', 'ReduceMean', [2, 3, 4], [], { axes: [1] }],
  ['input', 'ReduceMean', [2, 3, 4], [ints(1)], {}, { opset: 18 }],
  ['', 'ReduceL2', [2, 3, 4], [], { axes: [1, 2], keepdims: 0 }],
  ['', 'ArgMax', [2, 3, 4], [], { axis: -1, keepdims: 0 }],
  ['', 'TopK', [2, 7], [ints(3)], {}, { outputs: 2 }],
  ['slice', 'Shape', [2, 3, 4], [], { start: 1, end: -1 }],
  ['', 'Size', [2, 3], []],
  ['', 'CumSum', [2, 3], [scalar(1)]],
  ['', 'Dropout', [2, 3], [], {}, { outputs: 2 }],
  ['scales', 'Resize', [1, 2, 5, 6], ['', float32Tensor([1, 1, 1.5, 2.3])]],
  ['sizes', 'Resize', [1, 2, 5, 6], ['', '', ints(1, 2, 7, 3)]],
  [
    'not larger',
    'Resize',
    [1, 2, 5, 6],
    ['', '', ints(7, 13)],
    { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    { opset: 18 },
  ],
  ['', 'Resize', [1, 2, 5, 6], [float32Tensor([1, 1, 2, 2])], {}, { opset: 10 }],
  ['', 'Upsample', [1, 2, 5, 6], [float32Tensor([1, 1, 2, 1.5])], {}, { opset: 9 }],
  ['', 'SpaceToDepth', [1, 2, 4, 6], [], { blocksize: 2 }],
  ['', 'DepthToSpace', [1, 8, 3, 2], [], { blocksize: 2 }],
  ['', 'QuantizeLinear', [2, 3], [float32Tensor([0.1], [])]],
  ['', 'DynamicQuantizeLinear', [2, 3], [], {}, { outputs: 3 }],
  [
    'bidirectional',
    'LSTM',
    [7, 2, 3],
    [f32(2, 20, 3), f32(2, 20, 5)],
    { hidden_size: 5, direction: 'bidirectional' },
    { outputs: 3 },
  ],
  ['', 'GRU', [7, 2, 3], [f32(1, 15, 3), f32(1, 15, 5)], { hidden_size: 5 }, { outputs: 2 }],
  ['', 'GridSample', [1, 2, 5, 6], [f32(1, 3, 4, 2)], {}, { opset: 16 }],
  ['scales attribute', 'LpNormalization', [2, 3], [], { axis: 1, p: 2 }],
  ['', 'ThresholdedRelu', [2, 3], [], { alpha: float(0.5) }],
]

function build([name, op, input, rest, attributes = {}, { outputs = 1, opset = 17 } = {}]: Case): Model {
  const g = new GraphBuilder(name, opset)
  const x = g.input('x', 'float32', input)
  const inputs = rest.map((tensor) => (tensor === '' ? '' : g.constant(tensor)))
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`)
  g.ops(op, [x, ...inputs], attributes, names)
  return g.build()
}

describe('inferred shapes equal those of the runtime', () => {
  it.each(cases)('%s: %s', async (...entry) => {
    const { inferred, run } = await measured(build(entry), {})
    expect(inferred).toEqual(run)
  })

  it.each(fixtureGraphs())('every value of fixture $name', async ({ model, shapes }) => {
    const { inferred, run } = await measured(readModel(writeModel(model)), shapes)
    expect(inferred).toEqual(run)
  })

  it('follows the sizes that a graph computes', async () => {
    const g = new GraphBuilder('computed')
    const x = g.input('x', 'float32', ['N', 6, 5, 'W'])
    const shape = g.op('Shape', [x])
    const at = (i: number) => g.op('Gather', [shape, g.constant(scalar(i))], { axis: 0 })
    const half = g.op(
      'Cast',
      [g.op('Floor', [g.op('Mul', [g.op('Cast', [at(3)], { to: 1 }), g.scalar(0.5)])])],
      { to: 7 },
    )
    const list = (value: string) => g.op('Unsqueeze', [value, g.ints([0])])
    const area = g.op('Div', [g.op('Mul', [at(1), at(3)]), g.constant(scalar(2))])
    const wanted = g.op('Concat', [list(at(0)), list(area), g.ints([-1])], { axis: 0 })
    const y = g.op('Reshape', [x, wanted])
    const wide = g.op('Where', [
      g.op('Equal', [g.ints([-1, 2]), g.ints([-1])]),
      g.ints([3, 3]),
      g.ints([-1, 2]),
    ])
    g.op('Expand', [g.scalar(1), wide])
    g.op('ConstantOfShape', [g.op('Slice', [shape, g.ints([-1]), g.ints([-9]), g.ints([0]), g.ints([-1])])])
    g.op('Range', [g.constant(scalar(0)), half, g.constant(scalar(2))])
    g.op('ConstantOfShape', [list(g.op('ReduceProd', [shape], { keepdims: 0 }))])
    g.op('Tile', [y, g.op('Abs', [g.op('Sub', [g.ints([0, 0, 0]), g.ints([2, 1, 1])])])])
    g.op('OneHot', [wanted, half, g.constant(float32Tensor([0, 1]))])
    const { inferred, run } = await measured(g.build(), { x: [2, 6, 5, 8] })
    expect(inferred).toEqual(run)
    expect(inferred[y]).toBe('float32 [2,24,10]')
  })
})

describe('what cannot be inferred', () => {
  const codeOf = (make: (g: GraphBuilder, x: string) => void, shapes = {}): string => {
    const g = new GraphBuilder('bad')
    make(g, g.input('x', 'float32', ['N', 3]))
    try {
      inferShapes(g.build(), { x: [2, 3], ...shapes })
    } catch (error) {
      expect(error).toBeInstanceOf(IsthmusError)
      return `${(error as IsthmusError).code}: ${(error as IsthmusError).message}`
    }
    throw new Error('was inferred')
  }

  it('names node and operator that have no rule', () => {
    expect(codeOf((g, x) => g.op('Einsum', [x, x], { equation: 'ij,kj->ik' }, 'product'))).toMatch(
      /^UNSUPPORTED_OPERATOR: Einsum "product"/,
    )
    const custom = { name: 'n', op: 'Relu', domain: 'my.ops', inputs: ['x'], outputs: ['y'], attributes: {} }
    expect(codeOf((g) => g.node(custom))).toMatch(/^UNSUPPORTED_OPERATOR.*operator set "my.ops"/)
  })

  it('names the node whose shapes do not fit', () => {
    expect(codeOf((g, x) => g.op('Add', [x, g.constant(f32(4))], {}, 'sum'))).toMatch(
      /^SHAPE_MISMATCH: Add "sum".*\[2,3\] and \[4\]/,
    )
    expect(codeOf((g, x) => g.op('Reshape', [x, g.ints([4, -1])]))).toMatch(/^SHAPE_MISMATCH: Reshape/)
    expect(codeOf((g, x) => g.op('Conv', [x, g.constant(f32(1, 3, 1, 1))]))).toMatch(/^SHAPE_MISMATCH: Conv/)
  })

  it('names the value that a shape depends on', () => {
    expect(codeOf((g, x) => g.op('Expand', [x, g.op('Cast', [x], { to: 7 }, 'sizes')]))).toMatch(
      /^SHAPE_UNKNOWN: Expand.*"sizes"/,
    )
  })

  it('checks the shapes of the inputs against the model', () => {
    expect(codeOf(() => {}, { x: [2, 4] })).toMatch(/^BAD_INPUT: Input "x" has shape \[N,3\]/)
    expect(codeOf(() => {}, { x: [2] })).toMatch(/^BAD_INPUT/)
    expect(codeOf(() => {}, { z: [2] })).toMatch(/^BAD_INPUT: The model has no input "z". It has: x/)
  })

  it('goes on behind it when asked to, with the shapes that the model states', () => {
    const g = new GraphBuilder('partly')
    const x = g.input('x', 'float32', [2, 3])
    const unknown = g.op('Einsum', [x, x], { equation: 'ij,kj->ik' }, 'product')
    g.op('Relu', [unknown], {}, 'lost')
    const stated = g.op('Einsum', [x, x], { equation: 'ij,kj->ik' }, 'stated')
    g.value({ name: stated, dtype: 'float32', dims: [2, 2] })
    g.op('Relu', [stated], {}, 'found')
    const { types, failures } = inferShapesPartly(g.build(), {})
    expect(failures.map((failure) => failure.code)).toEqual(['UNSUPPORTED_OPERATOR', 'UNSUPPORTED_OPERATOR'])
    expect(types.get('found')).toEqual({ dtype: 'float32', dims: [2, 2] })
    expect(types.has('lost')).toBe(false)
  })
})
