import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../onnx/builder.ts'
import { fixtureGraphs } from '../onnx/fixtures.ts'
import type { Model } from '../onnx/graph.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { seededFeeds } from '../onnx/seeded-feeds.ts'
import { writeModel } from '../onnx/write.ts'
import { openSession } from '../runtime/node.ts'
import { describeNetwork, endsInSoftmax, isDistribution, withPortNames } from './network.ts'

const fixture = (name: string): Model => fixtureGraphs().find((entry) => entry.name === name)!.model
const describeModel = (model: Model) => describeNetwork(inspectModel(model))

function withInput(dims: readonly (number | string)[], dtype: 'float32' | 'uint8' = 'float32'): Model {
  const g = new GraphBuilder('pixels')
  g.output(g.op('Relu', [g.input('pixels', dtype, dims)]), 'out')
  return g.build()
}

describe('what a network takes', () => {
  it('is a photo, with its channels first or last', () => {
    expect(describeModel(fixture('towers'))).toEqual({
      input: { name: 'x', dims: [3, 12, 12], layout: 'NCHW' },
      output: 'probabilities',
    })
    expect(describeModel(fixture('channels-last')).input).toEqual({
      name: 'x',
      dims: [12, 12, 3],
      layout: 'NHWC',
    })
  })

  it('is refused in words when it is anything else', () => {
    expect(() => describeModel(withInput(['N', 1, 28, 28]))).toThrow(
      /"pixels" is float32 \[1,1,28,28\].*photo/,
    )
    expect(() => describeModel(withInput(['N', 3]))).toThrow(/photo/)
    expect(() => describeModel(withInput([1, 3, 8, 8], 'uint8'))).toThrow(/feed float32/)
    expect(() => describeModel(withInput([4, 3, 8, 8]))).toThrow(/batch of 1/)
    expect(() => describeModel(fixture('two-heads'))).toThrow(
      /one output, this model has "peak", "probabilities"/,
    )
  })
})

describe('what a network gives', () => {
  it('is probabilities behind a Softmax, whatever turns their shape afterwards', () => {
    expect(endsInSoftmax(fixture('towers').graph)).toBe(true)
    expect(endsInSoftmax(fixture('computed-shape').graph)).toBe(false)
    const g = new GraphBuilder('late shape')
    const soft = g.op('Softmax', [g.input('x', 'float32', [1, 4, 1, 1])], { axis: 1 })
    g.output(g.op('Flatten', [soft], { axis: 1 }), 'y')
    expect(endsInSoftmax(g.build().graph)).toBe(true)
  })

  it('is probabilities when they are such', () => {
    expect(isDistribution(Float32Array.of(0.25, 0.75))).toBe(true)
    expect(isDistribution(Float32Array.of(0.25, 0.25))).toBe(false)
    expect(isDistribution(Float32Array.of(1.5, -0.5))).toBe(false)
  })
})

describe('a network under other names', () => {
  it('computes the same', async () => {
    const model = fixture('towers')
    const renamed = withPortNames(model, 'image', 'answer')
    const [x, image] = [seededFeeds(model), seededFeeds(renamed)]
    expect(Object.keys(image)).toEqual(['image'])
    const [one, other] = await Promise.all([model, renamed].map((each) => openSession(writeModel(each))))
    const { probabilities } = await one!.run(x)
    const { answer } = await other!.run(image)
    expect(answer!.data).toEqual(probabilities!.data)
    await Promise.all([one!.dispose(), other!.dispose()])
  })

  it('stays as it is when the names are right, and is refused when they are taken', () => {
    const model = fixture('towers')
    expect(withPortNames(model, 'x', 'probabilities').graph.nodes).toEqual(model.graph.nodes)
    const inner = model.graph.nodes[0]!.outputs[0]!
    expect(() => withPortNames(model, inner, 'probabilities')).toThrow(`should be called "${inner}"`)
    expect(() => withPortNames(model, 'x', inner)).toThrow(`should be called "${inner}"`)
  })
})
