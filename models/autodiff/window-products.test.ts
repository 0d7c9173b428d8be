import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expectResultsOfConv, network, type Shape } from './convolution.test.support.ts'
import { compileTrainingStep } from './training-step.ts'

const few = (max: number) => fc.integer({ min: 1, max })
const shapes: fc.Arbitrary<Shape> = fc
  .record({
    batch: few(3),
    channels: few(4),
    outputs: few(4),
    kernel: fc.tuple(few(3), few(3)),
    strides: fc.tuple(few(3), few(3)),
    dilations: fc.tuple(few(2), few(2)),
    pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
    extra: fc.tuple(few(5), few(5)),
    bias: fc.boolean(),
  })
  .map(({ kernel, dilations, strides, pads, extra, ...rest }) => ({
    ...rest,
    kernel,
    size: kernel.map((taps, axis) => (taps - 1) * dilations[axis]! + extra[axis]!),
    attributes: { strides, dilations, pads },
  }))

describe('small convolutions in a training step', () => {
  test('give the loss and the gradients of the operator Conv, whatever their window', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        await expectResultsOfConv(shape, shape.bias ? ['kernel', 'bias'] : ['kernel'])
      }),
      { numRuns: 40, seed: 5 },
    )
  })

  test('are one matrix product; large ones, pointwise ones and frozen ones stay convolutions', () => {
    const shape: Shape = {
      batch: 2,
      channels: 3,
      outputs: 4,
      kernel: [3, 3],
      size: [8, 8],
      attributes: { pads: [1, 1, 1, 1] },
      bias: true,
    }
    const left = (changed: Partial<Shape>, names: readonly string[]) => {
      const { batch, channels, size } = { ...shape, ...changed }
      const step = compileTrainingStep(network({ ...shape, ...changed }), {
        loss: 'loss',
        inputDims: { x: [batch, channels, ...size] },
        groups: [{ name: 'all', parameters: names }],
        optimizer: { kind: 'sgd', momentum: 0 },
      })
      return step.model.graph.nodes.filter(({ op }) => op === 'Conv').length
    }
    expect(left({}, ['kernel', 'bias'])).toBe(0)
    expect(left({}, ['bias'])).toBe(1)
    expect(left({ kernel: [1, 1], attributes: {} }, ['kernel'])).toBe(1)
    expect(left({ batch: 64, size: [96, 96] }, ['kernel'])).toBe(1)
  })
})
