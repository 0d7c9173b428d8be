import { compileTrainingStep, type Optimizer, type TrainingStep } from '@isthmus/models/autodiff'
import { type Random, seededRandom } from '@isthmus/models/data'
import { NetBuilder } from '@isthmus/models/nets'
import type { ConstantTensor } from '@isthmus/models/onnx'
import type { Tensor } from '@isthmus/models/runtime'

/** A training that is timed: what a step computes, where it starts, and what it is fed. */
export interface Job {
  readonly name: 'conv' | 'mlp'
  readonly shape: string
  readonly step: TrainingStep
  readonly optimizer: Optimizer
  readonly rate: number
  readonly itemsPerStep: number
  readonly batches: readonly Readonly<Record<'input' | 'targets', Tensor>>[]
  /** The initial weights by name, as the graph has them. */
  readonly weights: ReadonlyMap<string, ConstantTensor>
}

export const SEED = 11
const BATCHES = 8
const optimizer: Optimizer = { kind: 'adam' }
const rate = 1e-3

function normal(random: Random, dims: readonly number[]): Tensor<'float32'> {
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dtype: 'float32', dims, data: Float32Array.from({ length: count }, () => random.normal()) }
}

/** Probabilities with one class of each row certain. */
function oneHot(random: Random, rows: number, classes: number): Tensor<'float32'> {
  const data = new Float32Array(rows * classes)
  for (let row = 0; row < rows; row++) data[row * classes + random.below(classes)] = 1
  return { dtype: 'float32', dims: [rows, classes], data }
}

function job(
  name: Job['name'],
  shape: string,
  net: NetBuilder,
  inputDims: readonly number[],
  targetDims: readonly number[],
  targets: (random: Random) => Tensor<'float32'>,
): Job {
  const names = [...net.kernels, ...net.vectors]
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: inputDims, targets: targetDims },
    groups: [{ name: 'all', parameters: names }],
    optimizer,
  })
  const initial = step.parameters(step.initialState())
  const random = seededRandom(SEED, 1)
  return {
    name,
    shape,
    step,
    optimizer,
    rate,
    itemsPerStep: inputDims[0]!,
    batches: Array.from({ length: BATCHES }, () => ({
      input: normal(random, inputDims),
      targets: targets(random),
    })),
    weights: new Map(names.map((parameter) => [parameter, initial.get(parameter)!])),
  }
}

/** 64×3×32×32, three 3×3 convolutions of stride 2 (16, 32, 64) with batch normalisation and ReLU, linear 10. */
export function convJob(): Job {
  const batch = 64
  const net = new NetBuilder('bench-conv', { random: seededRandom(SEED), training: true })
  let x = net.g.input('input', 'float32', [batch, 3, 32, 32])
  const targets = net.g.input('targets', 'float32', [batch, 10])
  let channels = 3
  for (const [at, outputs] of [16, 32, 64].entries()) {
    const seen = net.conv(`conv${at + 1}`, x, channels, outputs, { kernel: 3, stride: 2, pad: 1 })
    x = net.normRelu(`norm${at + 1}`, seen, outputs)
    channels = outputs
  }
  const scores = net.linear('classifier', net.g.op('Flatten', [x]), 64 * 4 * 4, 10)
  net.g.output(net.crossEntropy(scores, targets, batch), 'loss')
  const shape =
    'batch 64 of 3×32×32; conv 3×3/2 16-32-64 with batch normalisation and ReLU; linear 1024-10; cross-entropy'
  return job('conv', shape, net, [batch, 3, 32, 32], [batch, 10], (random) => oneHot(random, batch, 10))
}

/** 32-256-256-8 with ReLU, batch 256, mean squared error. */
export function mlpJob(): Job {
  const batch = 256
  const net = new NetBuilder('bench-mlp', { random: seededRandom(SEED) })
  let x = net.g.input('input', 'float32', [batch, 32])
  const targets = net.g.input('targets', 'float32', [batch, 8])
  x = net.relu(net.linear('layer1', x, 32, 256))
  x = net.relu(net.linear('layer2', x, 256, 256))
  const outputs = net.linear('layer3', x, 256, 8)
  net.g.output(net.squaredError(outputs, targets, batch * 8), 'loss')
  const shape = '32-256-256-8 with ReLU, batch 256, mean squared error'
  return job('mlp', shape, net, [batch, 32], [batch, 8], (random) => normal(random, [batch, 8]))
}
