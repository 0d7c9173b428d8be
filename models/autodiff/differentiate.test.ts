import { IsthmusError } from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import {
  float,
  float32Tensor,
  GraphBuilder,
  inferShapes,
  int64Tensor,
  type Node,
  writeModel,
} from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import { differentiate } from './differentiate.ts'
import { STOP_GRADIENT } from './rules/index.ts'

/** Writes a forward pass whose inputs have these shapes, and its gradients; returns the graph with them as outputs. */
function withGradients(
  inputs: Record<string, readonly number[]>,
  write: (g: GraphBuilder) => string,
  wrt: readonly string[],
  opset = 17,
): { g: GraphBuilder; gradients: Map<string, string> } {
  const g = new GraphBuilder('test', opset)
  for (const [name, dims] of Object.entries(inputs)) g.input(name, 'float32', dims)
  const loss = write(g)
  const forward = g.build()
  const types = inferShapes(forward, {})
  const constants = new Map(forward.graph.initializers)
  const pass = {
    builder: g,
    nodes: [...forward.graph.nodes],
    dims: (value: string) => types.get(value)?.dims,
    constant: (value: string) => constants.get(value),
  }
  const gradients = differentiate(pass, loss, wrt)
  for (const [value, gradient] of gradients) g.output(gradient, `gradient.${value}`)
  return { g, gradients }
}

async function gradients(
  inputs: Record<string, { dims: readonly number[]; data: readonly number[] }>,
  write: (g: GraphBuilder) => string,
  wrt: readonly string[],
): Promise<Record<string, number[]>> {
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { dims }]) => [name, dims]))
  const { g } = withGradients(shapes, write, wrt)
  const session = await openSession(writeModel(g.build()))
  try {
    const feeds: Record<string, Tensor> = {}
    for (const { name } of session.inputs) {
      feeds[name] = { dtype: 'float32', dims: shapes[name]!, data: Float32Array.from(inputs[name]!.data) }
    }
    const outputs = await session.run(feeds)
    return Object.fromEntries(
      wrt.flatMap((name) => {
        const output = outputs[`gradient.${name}`]
        return output ? [[name, Array.from(output.data, Number)]] : []
      }),
    )
  } finally {
    await session.dispose()
  }
}

const sum = (g: GraphBuilder, value: string): string => g.op('ReduceSum', [value], { keepdims: 0 })

const vector = (...data: number[]) => ({ dims: [data.length], data })

test('passes nothing back through an Identity that is named to stop the gradient', async () => {
  const { x } = await gradients(
    { x: { dims: [2], data: [3, -2] } },
    (g) => {
      const held = g.op('Identity', ['x'], {}, g.fresh(STOP_GRADIENT))
      return g.op('ReduceSum', [g.op('Mul', ['x', held])], { keepdims: 0 })
    },
    ['x'],
  )
  // Of x · constant, not of x².
  expect(x).toEqual([3, -2])
})

describe('differentiate', () => {
  test('adds up the gradients of a value that several operators use', async () => {
    const result = await gradients(
      { x: vector(2, -3) },
      (g) =>
        sum(g, g.op('Add', [g.op('Mul', ['x', 'x']), g.op('Sub', ['x', g.op('Mul', ['x', g.scalar(5)])])])),
      ['x'],
    )
    expect(result.x).toEqual([0, -10])
  })

  test('gives gradients by inner values as well as by inputs', async () => {
    const result = await gradients(
      { x: vector(1, 2) },
      (g) => sum(g, g.op('Mul', [g.op('Exp', ['x'], {}, 'inner'), g.scalar(3)])),
      ['x', 'inner'],
    )
    expect(result.inner).toEqual([3, 3])
    expect(result.x![0]).toBeCloseTo(3 * Math.E, 4)
  })

  test('leaves out what does not influence the loss', async () => {
    const result = await gradients({ x: vector(1), y: vector(1) }, (g) => sum(g, g.op('Neg', ['x'])), [
      'x',
      'y',
    ])
    expect(result).toEqual({ x: [-1] })
  })

  test('takes a loss of one element whatever its rank', async () => {
    const result = await gradients(
      { a: { dims: [1, 2], data: [3, 4] }, b: { dims: [2, 1], data: [5, 6] } },
      (g) => g.op('Gemm', ['a', 'b']),
      ['a', 'b'],
    )
    expect(result).toEqual({ a: [5, 6], b: [3, 4] })
  })

  test('passes nothing back through comparisons and shapes', async () => {
    const result = await gradients(
      { x: vector(-1, 2), bound: vector(0, 0) },
      (g) => {
        const chosen = g.op('Where', [
          g.op('Greater', ['x', 'bound']),
          'x',
          g.op('Mul', ['x', g.scalar(0.5)]),
        ])
        return sum(g, g.op('Reshape', [chosen, g.op('Shape', ['x'])]))
      },
      ['x', 'bound'],
    )
    expect(result).toEqual({ x: [0.5, 1] })
  })

  test('gives every tied maximum of a tile the gradient', async () => {
    const result = await gradients(
      { x: { dims: [1, 1, 2, 2], data: [1, 1, 0, -1] } },
      (g) => sum(g, g.op('MaxPool', ['x'], { kernel_shape: [2, 2], strides: [2, 2] })),
      ['x'],
    )
    expect(result.x).toEqual([1, 1, 0, 0])
  })

  test('a slice that takes nothing has a gradient of zeros', async () => {
    const result = await gradients(
      { x: vector(1, 2) },
      (g) => sum(g, g.op('Concat', ['x', g.op('Slice', ['x', g.ints([2]), g.ints([1])])], { axis: 0 })),
      ['x'],
    )
    expect(result.x).toEqual([1, 1])
  })
})

describe('differentiate refuses, naming node and operator,', () => {
  const image = { x: [1, 1, 4, 4] }

  /** What `differentiate` says, or nothing. */
  const refusal = (
    inputs: Record<string, readonly number[]>,
    write: (g: GraphBuilder) => string,
    wrt: readonly string[] = ['x'],
    opset = 17,
  ): string | undefined => {
    try {
      withGradients(inputs, write, wrt, opset)
      return undefined
    } catch (error) {
      if (!(error instanceof IsthmusError)) throw error
      return `${error.code}: ${error.message}`
    }
  }

  test('an operator without a rule', () => {
    expect(refusal({ x: [3] }, (g) => sum(g, g.op('Cos', ['x'], {}, 'angle')))).toMatch(
      /^UNSUPPORTED_GRADIENT: No gradient rule for operator Cos "angle" \(→ angle\)/,
    )
  })

  test('an operator of another domain, though its name is known', () => {
    const g = new GraphBuilder('test')
    g.input('x', 'float32', [3])
    const node: Node = {
      name: 'custom',
      op: 'Relu',
      domain: 'com.example',
      inputs: ['x'],
      outputs: ['y'],
      attributes: {},
    }
    const pass = { builder: g, nodes: [node], dims: () => [], constant: () => undefined }
    expect(() => differentiate(pass, 'y', ['x'])).toThrow(/operator com\.example\.Relu "custom"/)
  })

  test('a branch that reads what is trained', () => {
    const branch = (scale: number) => {
      const inner = new GraphBuilder('branch', 17, `branch${scale}/`)
      inner.output(inner.op('Mul', ['x', inner.scalar(scale)]), `scaled${scale}`, 'float32', [3])
      return { type: 'graph', value: inner.build().graph } as const
    }
    const write = (g: GraphBuilder) => {
      const condition = g.op('Greater', [g.scalar(1), g.scalar(0)])
      return sum(g, g.op('If', [condition], { then_branch: branch(2), else_branch: branch(3) }))
    }
    expect(refusal({ x: [3] }, write)).toMatch(/No gradient rule for operator If/)
  })

  test.each([14, 15])('overlapping maxima below operator set 16 (%i)', (opset) => {
    const pool = (g: GraphBuilder) =>
      sum(g, g.op('MaxPool', ['x'], { kernel_shape: [3, 3], strides: [1, 1] }, 'top'))
    expect(refusal(image, pool, ['x'], opset)).toMatch(/MaxPool "top".*operator set 16/)
    expect(refusal(image, pool, ['x'], 16)).toBeUndefined()
  })

  test('dropout that drops', () => {
    const write = (g: GraphBuilder) => {
      const on = g.constant({ dtype: 'bool', dims: [], bytes: Uint8Array.of(1) })
      return sum(g, g.op('Dropout', ['x', g.scalar(0.5), on]))
    }
    expect(refusal({ x: [3] }, write)).toMatch(/Dropout.*training_mode/)
  })

  test('a padding mode other than constant', () => {
    const write = (g: GraphBuilder) => sum(g, g.op('Pad', ['x', g.ints([1, 1])], { mode: 'reflect' }))
    expect(refusal({ x: [3] }, write)).toMatch(/Pad.*"reflect"/)
  })

  test('axes that are computed', () => {
    const write = (g: GraphBuilder) => {
      const first = g.op('Slice', [g.ints([0, 1]), g.ints([0]), g.ints([1])])
      return g.op('ReduceSum', [g.op('ReduceSum', ['x', first], { keepdims: 0 })], { keepdims: 0 })
    }
    expect(refusal({ x: [3, 2] }, write)).toMatch(/ReduceSum.*axes.*computed/)
  })

  test('vectors as operands of MatMul', () => {
    const weights = (g: GraphBuilder) => g.constant(float32Tensor([1, 2, 3, 4], [2, 2]))
    expect(refusal({ x: [2] }, (g) => sum(g, g.op('MatMul', ['x', weights(g)])))).toMatch(/MatMul.*vector/)
  })

  test('a convolution over one axis', () => {
    const write = (g: GraphBuilder) =>
      sum(g, g.op('Conv', ['x', g.constant(float32Tensor([1, 2], [1, 1, 2]))], { kernel_shape: [2] }))
    expect(refusal({ x: [1, 1, 4] }, write)).toMatch(/Conv.*rank 3/)
  })

  const normalized = (g: GraphBuilder, momentum: number): readonly string[] =>
    g.ops(
      'BatchNormalization',
      ['x', ...[1, 0, 0, 1].map((value) => g.constant(float32Tensor([value])))],
      { training_mode: 1, momentum: float(momentum) },
      ['y', 'mean', 'variance'],
    )

  test('batch normalisation that returns running averages in place of the statistics of the batch', () => {
    expect(refusal(image, (g) => sum(g, normalized(g, 0.9)[0]!))).toMatch(
      /BatchNormalization "y".*momentum must be 0/,
    )
    expect(refusal(image, (g) => sum(g, normalized(g, 0)[0]!))).toBeUndefined()
  })

  test('a loss over the statistics of the batch', () => {
    expect(refusal(image, (g) => sum(g, normalized(g, 0)[1]!))).toMatch(
      /BatchNormalization "y".*mean or variance/,
    )
  })

  test('an input of an operator that its rule does not know', () => {
    const write = (g: GraphBuilder) => sum(g, g.op('Pad', ['x', g.ints([1, 1]), 'value']))
    expect(refusal({ x: [3], value: [] }, write, ['value'])).toMatch(/Pad.*its input "value"/)
    expect(refusal({ x: [3], value: [] }, write, ['x'])).toBeUndefined()
  })

  test('a transposed convolution that derives its own pads', () => {
    const write = (g: GraphBuilder) => {
      const weights = g.constant(float32Tensor([1, 2, 3, 4], [1, 1, 2, 2]))
      return sum(g, g.op('ConvTranspose', ['x', weights], { auto_pad: 'SAME_UPPER', strides: [2, 2] }))
    }
    expect(refusal(image, write)).toMatch(/ConvTranspose.*auto_pad/)
  })

  test('a loss of several numbers, and one that nothing trained reaches', () => {
    expect(refusal({ x: [3] }, (g) => g.op('Neg', ['x'], {}, 'y'))).toMatch(
      /^BAD_OPTION: .*"y" has shape \[3\]/,
    )
    const elsewhere = (g: GraphBuilder) => sum(g, g.constant(float32Tensor([1])))
    expect(refusal({ x: [3] }, elsewhere)).toMatch(/does not depend on any of the parameters/)
    const rounded = (g: GraphBuilder) => sum(g, g.op('Floor', ['x']))
    expect(refusal({ x: [3] }, rounded)).toMatch(/does not depend on any of the parameters/)
  })

  test('nothing where an integer branch merely computes a shape', () => {
    const write = (g: GraphBuilder) => {
      const rows = g.op('Slice', [g.op('Shape', ['x']), g.ints([0]), g.ints([1])])
      const shape = g.op('Concat', [rows, g.constant(int64Tensor([-1]))], { axis: 0 })
      return sum(g, g.op('Reshape', ['x', shape]))
    }
    expect(refusal({ x: [2, 3, 2] }, write)).toBeUndefined()
  })
})
