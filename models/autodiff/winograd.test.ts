import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { float32Tensor, GraphBuilder } from '../onnx/index.ts'
import { expectResultsOfConv, network, type Shape } from './convolution.test.support.ts'
import { compileTrainingStep } from './training-step.ts'

const channels = fc.integer({ min: 24, max: 28 })
const side = fc.integer({ min: 1, max: 10 })
const shapes: fc.Arbitrary<Shape> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  channels,
  outputs: channels,
  kernel: fc.constant([3, 3]),
  size: fc.tuple(side, side),
  attributes: fc.constant({ pads: [1, 1, 1, 1] }),
  bias: fc.boolean(),
  offset: fc.constant(true),
})

/** Too large for one matrix product over patches. */
const large: Shape = {
  batch: 64,
  channels: 24,
  outputs: 64,
  kernel: [3, 3],
  size: [11, 11],
  attributes: { pads: [1, 1, 1, 1] },
  bias: true,
  offset: true,
}

describe('wide 3×3 convolutions in a training step', () => {
  test('give the loss and all gradients of the operator Conv', async () => {
    await expectResultsOfConv(large, ['kernel', 'bias', 'offset'])
  })

  test('also where the kernel is frozen, whatever the size of the image', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, (shape) => expectResultsOfConv(shape, ['offset'])),
      { numRuns: 20, seed: 5 },
    )
  })

  test('are written by tiles; narrow ones, strided ones and other windows stay convolutions', () => {
    const convolutions = (changed: Partial<Shape>) => {
      const shape = { ...large, ...changed }
      const step = compileTrainingStep(network(shape), {
        loss: 'loss',
        inputDims: { x: [shape.batch, shape.channels, ...shape.size] },
        groups: [{ name: 'all', parameters: ['kernel', 'bias', 'offset'] }],
        optimizer: { kind: 'sgd', momentum: 0 },
      })
      return step.model.graph.nodes.filter(({ op }) => op === 'Conv' || op === 'ConvTranspose').length
    }
    expect(convolutions({})).toBe(0)
    // One forward, one for the gradient by the input.
    expect(convolutions({ outputs: 23 })).toBe(2)
    expect(convolutions({ attributes: { pads: [1, 1, 1, 1], strides: [2, 2] }, size: [24, 24] })).toBe(2)
    expect(convolutions({ attributes: { pads: [1, 1, 1, 0] } })).toBe(2)
    expect(convolutions({ kernel: [5, 5], attributes: { pads: [2, 2, 2, 2] } })).toBe(2)
  })

  test('of halves are left alone', () => {
    const g = new GraphBuilder('halves')
    const kernel = { dtype: 'float16', dims: [24, 24, 3, 3], bytes: new Uint8Array(2 * 24 * 24 * 9) } as const
    const half = g.op('Cast', [g.input('x', 'float32', [1, 24, 5, 5])], { to: 10 })
    const seen = g.op('Conv', [half, g.constant(kernel)], { pads: [1, 1, 1, 1] })
    const scaled = g.op('Mul', [g.op('Cast', [seen], { to: 1 }), g.constant(float32Tensor([1]), 'gain')])
    g.output(g.op('ReduceSum', [scaled], { keepdims: 0 }, 'loss'), 'loss', 'float32', [])
    const { model } = compileTrainingStep(g.build(), {
      loss: 'loss',
      inputDims: { x: [1, 24, 5, 5] },
      groups: [{ name: 'all', parameters: ['gain'] }],
      optimizer: { kind: 'sgd', momentum: 0 },
    })
    expect(model.graph.nodes.filter(({ op }) => op === 'Conv')).toHaveLength(1)
  })
})
