import { STOP_GRADIENT } from '../autodiff/index.ts'
import type { Random } from '../data/index.ts'
import {
  type AttributeValue,
  type ConstantTensor,
  elementCount,
  float,
  float32Tensor,
  GraphBuilder,
  type Model,
} from '../onnx/index.ts'

export interface NetOptions {
  /** Source of the initial weights; only asked for weights that `weights` does not hold. */
  readonly random: Random
  /** Trained weights by name. */
  readonly weights?: ReadonlyMap<string, ConstantTensor>
  /** Batch normalisation uses the statistics of the batch. Default false. */
  readonly training?: boolean
  /** The share of the old value that a running average keeps at each step of the training. Default 0.9. */
  readonly runningMomentum?: number
  /** Goes before the names of weights in the graph: lets a frozen net stand beside a trained one. Default ''. */
  readonly prefix?: string
  /** The graph to build into, when several nets share one. */
  readonly graph?: GraphBuilder
}

export interface ConvOptions {
  readonly kernel: number
  readonly stride?: number
  /** Zeros on every side. Default 0. */
  readonly pad?: number
  readonly groups?: number
  readonly bias?: boolean
  /** Sizes of the kernel whose first outputs and channels this convolution uses; by default it uses all. */
  readonly slicedFrom?: { readonly channels: number; readonly outputs: number }
  /**
   * `he`: random (He et al. 2015). `identity`: the first outputs start as copies of the inputs, the rest random
   * (arXiv 2404.00498, section 3.3). Default `he`.
   */
  readonly start?: 'he' | 'identity'
}

/**
 * Builds a network layer by layer over [N,C,H,W] values. Weights are named after the layer (`stem.weight`), so the
 * graph for training, the graph for inference and a checkpoint agree by name.
 */
export class NetBuilder {
  readonly g: GraphBuilder
  /** Names of the weights that training changes, without biases and the scales of normalisations. */
  readonly kernels: string[] = []
  /** Names of biases, scales and shifts, which usually go without weight decay. */
  readonly vectors: string[] = []
  readonly #options: NetOptions
  readonly #made = new Set<string>()

  constructor(name: string, options: NetOptions) {
    this.g = options.graph ?? new GraphBuilder(name, 17)
    this.#options = options
  }

  /** A weight that is not trained: it takes the given value or, once trained elsewhere, the stored one. */
  fixed(name: string, make: () => ConstantTensor): string {
    const { weights, prefix = '' } = this.#options
    const full = `${prefix}${name}`
    if (this.#made.has(full)) return full
    this.#made.add(full)
    return this.g.constant(weights?.get(name) ?? make(), full)
  }

  /** A vector that is trained, without weight decay; asked for again by the same name, it is the same one. */
  vector(name: string, make: () => ConstantTensor): string {
    if (!this.vectors.includes(name)) this.vectors.push(name)
    return this.fixed(name, make)
  }

  #kernel(name: string, dims: readonly number[], fanIn: number, copies = 0): string {
    if (!this.kernels.includes(name)) this.kernels.push(name)
    return this.fixed(name, () => {
      // He et al. 2015: variance 2 / fan-in keeps the scale of activations through ReLU.
      const spread = Math.sqrt(2 / fanIn)
      const data = new Float32Array(elementCount(dims))
      for (let index = 0; index < data.length; index++) data[index] = spread * this.#options.random.normal()
      if (copies > 0) copyInputs(data, dims, copies)
      return float32Tensor(data, dims)
    })
  }

  #filled(name: string, length: number, value: number): string {
    return this.vector(name, () => float32Tensor(new Float32Array(length).fill(value)))
  }

  /** The first entries along the first two axes. */
  #prefix(kernel: string, ends: readonly number[]): string {
    const { g } = this
    return g.op('Slice', [kernel, g.ints([0, 0]), g.ints(ends), g.ints([0, 1])])
  }

  /** Convolution with a square kernel. */
  conv(name: string, x: string, channels: number, outputs: number, options: ConvOptions): string {
    const { kernel, stride = 1, pad = 0, groups = 1, bias = false, start = 'he' } = options
    const whole = options.slicedFrom ?? { channels, outputs }
    // Of a depthwise kernel only the outputs are sliced: its one channel is each output's own.
    const depth = groups === channels ? 1 : whole.channels / groups
    const fanIn = depth * kernel * kernel
    const dims = [whole.outputs, depth, kernel, kernel]
    const weights = this.#kernel(`${name}.weight`, dims, fanIn, start === 'identity' ? channels : 0)
    const used = [outputs, channels / groups]
    const isWhole = used[0] === dims[0] && used[1] === dims[1]
    const inputs = [x, isWhole ? weights : this.#prefix(weights, used)]
    if (bias) inputs.push(this.#filled(`${name}.bias`, outputs, 0))
    return this.g.op('Conv', inputs, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    })
  }

  /** Batch normalisation over everything but the channel. */
  norm(name: string, x: string, channels: number): string {
    const vector = (part: string, value: number) => this.#filled(`${name}.${part}`, channels, value)
    const running = (part: string, value: number) =>
      this.fixed(`${name}.${part}`, () => float32Tensor(new Float32Array(channels).fill(value)))
    const inputs = [x, vector('scale', 1), vector('shift', 0), running('mean', 0), running('variance', 1)]
    const attributes: Record<string, AttributeValue> = { epsilon: float(1e-5) }
    if (this.#options.training) {
      attributes.training_mode = 1
      attributes.momentum = float(this.#options.runningMomentum ?? 0.9)
    }
    return this.g.op('BatchNormalization', inputs, attributes)
  }

  relu(x: string): string {
    return this.g.op('Relu', [x])
  }

  /** Normalisation and ReLU, the usual pair. */
  normRelu(name: string, x: string, channels: number): string {
    return this.relu(this.norm(name, x, channels))
  }

  maxPool(x: string, size: number): string {
    return this.g.op('MaxPool', [x], { kernel_shape: [size, size], strides: [size, size] })
  }

  averagePool(x: string, size: number): string {
    return this.g.op('AveragePool', [x], { kernel_shape: [size, size], strides: [size, size] })
  }

  /** [N,C,H,W] → [N,C]: the mean of each channel. */
  globalAverage(x: string): string {
    return this.g.op('Flatten', [this.g.op('GlobalAveragePool', [x])], { axis: 1 })
  }

  /** [N,inputs] → [N,outputs], with bias. */
  linear(name: string, x: string, inputs: number, outputs: number): string {
    const weights = this.#kernel(`${name}.weight`, [inputs, outputs], 2 * inputs)
    return this.g.op('Gemm', [x, weights, this.#filled(`${name}.bias`, outputs, 0)])
  }

  add(a: string, b: string): string {
    return this.g.op('Add', [a, b])
  }

  /** The same value, but training sees a constant: no gradient goes back through it. */
  stopGradient(x: string): string {
    return this.g.op('Identity', [x], {}, this.g.fresh(STOP_GRADIENT))
  }

  /** Sum of squared differences over everything but the batch, averaged over the batch. */
  squaredError(a: string, b: string, batch: number): string {
    const g = this.g
    const difference = g.op('Sub', [a, b])
    const total = g.op('ReduceSum', [g.op('Mul', [difference, difference])], { keepdims: 0 })
    return g.op('Mul', [total, g.scalar(1 / batch)])
  }

  /**
   * What an affine quantiser of 8 bits and static range makes of `x`; the gradient passes through the rounding
   * and stops where the range clips.
   */
  fakeQuantize(x: string, scale: number, zeroPoint: number): string {
    const g = this.g
    const codes = g.op('Add', [g.op('Div', [x, g.scalar(scale)]), g.scalar(zeroPoint)])
    const rounded = g.op('Round', [g.op('Clip', [codes, g.scalar(0), g.scalar(255)])])
    return g.op('Mul', [g.op('Sub', [rounded, g.scalar(zeroPoint)]), g.scalar(scale)])
  }

  /** Mean over the batch of the cross-entropy between `targets` (probabilities, [N,K]) and `logits` [N,K]. */
  crossEntropy(logits: string, targets: string, batch: number): string {
    const g = this.g
    const products = g.op('Mul', [targets, g.op('LogSoftmax', [logits], { axis: 1 })])
    const total = g.op('ReduceSum', [products, g.ints([0, 1])], { keepdims: 0 })
    return g.op('Mul', [total, g.scalar(-1 / batch)])
  }

  build(): Model {
    return this.g.build()
  }
}

/** Makes the first `copies` kernels of [O,C,k,k] pass their own input channel through. */
function copyInputs(kernels: Float32Array, dims: readonly number[], copies: number): void {
  const [outputs, channels, size] = dims as [number, number, number]
  const length = channels * size * size
  for (let output = 0; output < Math.min(outputs, copies); output++) {
    kernels.fill(0, output * length, (output + 1) * length)
    kernels[output * length + output * size * size + ((size * size) >> 1)] = 1
  }
}
