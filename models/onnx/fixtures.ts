import { type Random, seededRandom } from '../data/random.ts'
import { float, GraphBuilder } from './builder.ts'
import type { Model } from './graph.ts'
import { type ConstantTensor, elementCount, float32Tensor, int64Tensor } from './tensor.ts'

/** A small graph with the shapes to feed it, for tests and for the suite that cuts them all. */
export interface FixtureGraph {
  readonly name: string
  readonly model: Model
  /** Shapes of the inputs, whose free dimensions are given. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

/** Weights, reproducible by name: uniform in ±1/√fan-in. */
function weights(random: Random, dims: readonly number[]): ConstantTensor {
  const scale = 1 / Math.sqrt(elementCount(dims.slice(1)) || 1)
  return float32Tensor(
    Float32Array.from({ length: elementCount(dims) }, () => (2 * random.uniform() - 1) * scale),
    dims,
  )
}

/** A builder with the layers that the fixtures share. */
class Layers extends GraphBuilder {
  readonly #random: Random

  constructor(name: string, opset = 17) {
    super(name, opset)
    this.#random = seededRandom(7, name.length, opset)
  }

  weight(...dims: number[]): string {
    return this.constant(weights(this.#random, dims))
  }

  conv(x: string, from: number, to: number, kernel = 3, stride = 1): string {
    const pads = new Array<number>(4).fill((kernel - 1) / 2)
    const inputs = [x, this.weight(to, from, kernel, kernel), this.weight(to)]
    return this.op('Conv', inputs, { kernel_shape: [kernel, kernel], pads, strides: [stride, stride] })
  }

  relu(x: string): string {
    return this.op('Relu', [x])
  }

  batchNorm(x: string, channels: number): string {
    const positive = float32Tensor(Float32Array.from({ length: channels }, (_, i) => 0.5 + i / channels))
    const inputs = [
      this.weight(channels),
      this.weight(channels),
      this.weight(channels),
      this.constant(positive),
    ]
    return this.op('BatchNormalization', [x, ...inputs], { epsilon: float(1e-5) })
  }

  classify(x: string, channels: number): string {
    const pooled = this.op('Flatten', [this.op('GlobalAveragePool', [x])], { axis: 1 })
    const logits = this.op('Gemm', [pooled, this.weight(5, channels), this.weight(5)], { transB: 1 })
    return this.output(this.op('Softmax', [logits], { axis: 1 }), 'probabilities')
  }
}

const image = { x: [1, 3, 12, 12] }

function residual(): FixtureGraph {
  const g = new Layers('residual')
  let x = g.relu(g.batchNorm(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 8), 8))
  for (let block = 0; block < 2; block++) {
    const inner = g.batchNorm(g.conv(g.relu(g.batchNorm(g.conv(x, 8, 8), 8)), 8, 8), 8)
    x = g.relu(g.op('Add', [x, inner]))
  }
  g.classify(x, 8)
  return { name: 'residual', model: g.build(), shapes: image }
}

/** Inception's towers of 1×1 convolutions, joined by Concat. */
function towers(): FixtureGraph {
  const g = new Layers('towers')
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 6, 3, 2))
  const pool = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] }
  const joined = g.op(
    'Concat',
    [
      g.relu(g.conv(x, 6, 4, 1)),
      g.relu(g.conv(g.relu(g.conv(x, 6, 3, 1)), 3, 4)),
      g.relu(g.conv(g.op('AveragePool', [x], pool), 6, 4, 1)),
      g.op('MaxPool', [x], pool),
    ],
    { axis: 1 },
  )
  g.classify(g.relu(g.conv(joined, 18, 8, 1)), 8)
  return { name: 'towers', model: g.build(), shapes: image }
}

/** Weights shared behind Identity, Cast and Transpose, as torch's exporter writes them. */
function sharedConstants(): FixtureGraph {
  const g = new Layers('shared-constants')
  const bias = g.weight(4)
  const kernel = g.op('Transpose', [g.op('Identity', [g.weight(3, 3, 4, 4)])], { perm: [2, 3, 0, 1] })
  const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }
  const one = g.op('Constant', [], { value: float32Tensor([1], []) })
  const scale = g.op('Cast', [g.op('Cast', [one], { to: 11 })], { to: 1 })
  let x = g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 4)
  for (let layer = 0; layer < 3; layer++) {
    const shifted = g.op('Conv', [x, kernel, g.op('Identity', [bias])], window)
    x = g.relu(g.op('Mul', [shifted, scale]))
  }
  g.classify(x, 4)
  return { name: 'shared-constants', model: g.build(), shapes: image }
}

/** TensorFlow's layout at the door: NHWC input, turned before the first convolution. */
function channelsLast(): FixtureGraph {
  const g = new Layers('channels-last')
  const x = g.op('Transpose', [g.input('x', 'float32', ['N', 12, 12, 3])], { perm: [0, 3, 1, 2] })
  g.classify(g.relu(g.conv(g.relu(g.conv(x, 3, 6, 3, 2)), 6, 6)), 6)
  return { name: 'channels-last', model: g.build(), shapes: { x: [1, 12, 12, 3] } }
}

/** Exporters before IR version 4 list every weight among the inputs, too. */
function listedInitializers(): FixtureGraph {
  const g = new Layers('listed-initializers', 9)
  g.classify(g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 6)), 6)
  const model = g.build()
  const listed = Array.from(model.graph.initializers, ([name, { dtype, dims }]) => ({ name, dtype, dims }))
  const graph = { ...model.graph, inputs: [...listed, ...model.graph.inputs] }
  return { name: 'listed-initializers', model: { ...model, irVersion: 3, graph }, shapes: image }
}

/** A batch that stays free: the shape of the Reshape is computed, as torch's `x.view(x.size(0), -1)` exports. */
function computedShape(): FixtureGraph {
  const g = new Layers('computed-shape')
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 4, 3, 2))
  const batch = g.op('Gather', [g.op('Shape', [x]), g.constant(int64Tensor([0], []))], { axis: 0 })
  const shape = g.op('Concat', [g.op('Unsqueeze', [batch, g.ints([0])]), g.ints([-1])], { axis: 0 })
  const flat = g.op('Reshape', [x, shape])
  const hidden = g.relu(g.op('Gemm', [flat, g.weight(144, 10)]))
  g.output(g.op('MatMul', [hidden, g.weight(10, 5)]), 'logits')
  return { name: 'computed-shape', model: g.build(), shapes: image }
}

/** An If whose branches read values, and weights, of the graph around it. */
function capturingBranches(): FixtureGraph {
  const g = new Layers('capturing-branches')
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 4))
  const y = g.relu(g.conv(x, 4, 4))
  const weight = g.weight(1, 4, 1, 1)
  const mean = g.op('ReduceMean', [y], { keepdims: 0 })
  const positive = g.op('Greater', [mean, g.scalar(0.1)])
  const branch = (op: string) => {
    const inner = new GraphBuilder(op)
    inner.output(inner.op(op, [y, weight], {}, `${op}_result`))
    return { type: 'graph', value: inner.build().graph } as const
  }
  const z = g.op('If', [positive], { then_branch: branch('Mul'), else_branch: branch('Add') })
  g.classify(g.relu(z), 4)
  return { name: 'capturing-branches', model: g.build(), shapes: image }
}

/** A Loop whose body reads a weight and a value of the graph around it, carries one value and collects another. */
function capturingLoop(): FixtureGraph {
  const g = new Layers('capturing-loop')
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 4))
  const weight = g.weight(1, 4, 1, 1)
  const body = new GraphBuilder('body')
  body.input('turn', 'int64', [])
  const go = body.input('go', 'bool', [])
  const state = body.input('state', 'float32', ['N', 4, 12, 12])
  const next = body.op('Add', [body.op('Mul', [state, weight]), x], {}, 'next')
  body.output(body.op('Identity', [go], {}, 'still'), 'still', 'bool', [])
  body.output(next, 'next', 'float32', ['N', 4, 12, 12])
  body.output(body.op('ReduceMax', [next], { keepdims: 0 }, 'peak'), 'peak', 'float32', [])
  const turns = g.constant(int64Tensor([3], []))
  const attributes = { body: { type: 'graph', value: body.build().graph } as const }
  const [y, peaks] = g.ops('Loop', [turns, '', x], attributes, ['looped', 'peaks']) as [string, string]
  const joined = g.op('Add', [y, g.op('ReduceMax', [peaks], { keepdims: 0 })], {}, 'joined')
  g.classify(g.relu(joined), 4)
  return { name: 'capturing-loop', model: g.build(), shapes: image }
}

/** Nodes in reverse: nothing says that a file lists them in an order in which they can run. */
function unsorted(): FixtureGraph {
  const { model, shapes } = towers()
  const graph = { ...model.graph, nodes: model.graph.nodes.toReversed() }
  return { name: 'unsorted', model: { ...model, graph }, shapes }
}

/** Two outputs behind the last cut, and a mask that nobody reads. */
function twoHeads(): FixtureGraph {
  const g = new Layers('two-heads')
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 4))
  const [kept] = g.ops('Dropout', [x], {}, ['kept', 'mask'])
  const y = g.relu(g.conv(kept as string, 4, 4))
  g.output(g.op('GlobalMaxPool', [y]), 'peak')
  g.classify(y, 4)
  return { name: 'two-heads', model: g.build(), shapes: image }
}

/** A transposed convolution, resizing and a depth-to-space shuffle: what decoders are made of. */
function decoder(): FixtureGraph {
  const g = new Layers('decoder', 13)
  const x = g.relu(g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 8, 3, 2))
  const wide = g.op('ConvTranspose', [x, g.weight(8, 4, 3, 3)], {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    output_padding: [1, 1],
  })
  const scales = g.constant(float32Tensor([1, 1, 0.5, 0.5]))
  const resized = g.op('Resize', [g.relu(wide), '', scales], { mode: 'linear' })
  const shuffled = g.op('DepthToSpace', [g.op('LeakyRelu', [resized])], { blocksize: 2 })
  g.output(g.op('Sigmoid', [shuffled]), 'image')
  return { name: 'decoder', model: g.build(), shapes: image }
}

/** The operators whose form changed between opsets 9 and 21, in the form of `opset`. */
function forms(opset: number): FixtureGraph {
  const g = new Layers(`opset-${opset}`, opset)
  /** A list that was an attribute before operator set `since`, and is an input from there on. */
  const listed = (op: string, since: number, x: string, list: Record<string, number[]>, rest = {}): string =>
    opset < since
      ? g.op(op, [x], { ...list, ...rest })
      : g.op(op, [x, ...Object.values(list).map((values) => g.ints(values))], rest)
  let x = g.conv(g.input('x', 'float32', ['N', 3, 12, 12]), 3, 6)
  x = g.batchNorm(x, 6)
  x =
    opset < 11
      ? g.op('Clip', [x], { min: float(0), max: float(6) })
      : g.op('Clip', [x, g.scalar(0), g.scalar(6)])
  x = listed('Slice', 10, x, { starts: [1, 0], ends: [-1, 2 ** 31 - 1], axes: [2, 3] })
  x = listed('Pad', 11, x, { pads: [0, 0, 1, 0, 0, 0, 1, 0] }, { mode: 'constant' })
  x = g.op('Dropout', [x], opset < 12 ? { ratio: float(0.5) } : {})
  const halves = [g.fresh('half'), g.fresh('half')]
  if (opset < 13) g.ops('Split', [x], { axis: 1, split: [2, 4] }, halves)
  else if (opset < 18) g.ops('Split', [x, g.ints([2, 4])], { axis: 1 }, halves)
  else g.ops('Split', [x], { axis: 1, num_outputs: 2 }, halves)
  x = g.relu(g.op('Concat', [...halves].reverse(), { axis: 1 }))
  x = listed('ReduceSum', 13, x, { axes: [3] }, { keepdims: 0 })
  x = listed('Unsqueeze', 13, x, { axes: [0] })
  x = listed('Squeeze', 13, x, { axes: [0] })
  x = listed('ReduceMean', 18, x, { axes: [-1] }, { keepdims: 0 })
  x = g.op('Gemm', [x, g.weight(5, 6), g.weight(5)], { transB: 1 })
  g.output(g.op('Softmax', [x], { axis: 1 }), 'probabilities')
  return { name: `opset-${opset}`, model: g.build(), shapes: image }
}

/** All fixture graphs, in a fixed order; the same call gives the same weights. */
export function fixtureGraphs(): FixtureGraph[] {
  const opsets = Array.from({ length: 13 }, (_, i) => 9 + i)
  return [
    residual(),
    towers(),
    sharedConstants(),
    channelsLast(),
    listedInitializers(),
    computedShape(),
    capturingBranches(),
    capturingLoop(),
    unsorted(),
    twoHeads(),
    decoder(),
    ...opsets.map(forms),
  ]
}
