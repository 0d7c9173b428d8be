import { compileTrainingStep, type TrainingStep } from '../autodiff/index.ts'
import { type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Session, type Tensor } from '../runtime/index.ts'
import { adaptError } from './errors.ts'
import { GraphWithNorms, type Normalisation } from './graph-with-norms.ts'
import type { NormLayout } from './norm-layers.ts'
import type { NormParameters } from './norm-parameters.ts'

/** What an optimiser moves: scales and shifts, each [channels]. */
export interface AffineVectors {
  readonly scale: Float32Array
  readonly shift: Float32Array
}

/** Mean and unbiased variance of a batch in front of each layer, each [channels]. */
export interface BatchMoments {
  readonly mean: Float32Array
  readonly variance: Float32Array
}

export interface GradientRun {
  readonly loss: number
  readonly gradient: AffineVectors
  readonly moments: BatchMoments
  /** Everything that the graph makes, by name: `loss`, `logits` under the network's own name, and what its loss adds. */
  readonly values: Readonly<Record<string, Tensor>>
}

export interface NormGradientOptions {
  readonly normalisation: Normalisation
  /** Shape of every input of the graph, rows included; those that the loss adds are known from the graph. */
  readonly inputDims: Readonly<Record<string, readonly number[]>>
  /** Writes the loss behind the network's logits; makes the output `loss`. */
  readonly loss: (net: GraphWithNorms) => void
  /** Threads of an operator. Default 1. */
  readonly threads?: number
  /** Let threads that wait for work spin. Default false. */
  readonly spinning?: boolean
}

/**
 * Loss and gradient by the scales and shifts of a network's normalisations, at parameters that come with each run. One graph for
 * forward and backward; nothing but what adapts gets a gradient. Blocks its thread while it computes.
 */
export class NormGradient {
  readonly #layout: NormLayout
  readonly #step: TrainingStep
  readonly #session: Session
  readonly #zeros: Tensor

  private constructor(layout: NormLayout, step: TrainingStep, session: Session) {
    this.#layout = layout
    this.#step = step
    this.#session = session
    this.#zeros = vector(new Float32Array(layout.channels))
  }

  static async open(model: Model, layout: NormLayout, options: NormGradientOptions): Promise<NormGradient> {
    const graph = lossGraph(model, layout, options)
    const step = compileTrainingStep(graph, {
      loss: 'loss',
      inputDims: options.inputDims,
      // Without momentum, what the step calls momentum is the gradient.
      optimizer: { kind: 'sgd', momentum: 0 },
      groups: (['scale', 'shift'] as const).map((name) => ({
        name,
        parameters: layout.layers.map((layer) => layer[name]),
      })),
      outputs: graph.graph.outputs.map((output) => output.name),
    })
    const session = await openSession(writeModel(step.model), {
      intraOpThreads: options.threads ?? 1,
      spinning: options.spinning ?? false,
    })
    return new NormGradient(layout, step, session)
  }

  /**
   * @param feeds the inputs of the graph
   * @throws ADAPTATION_DIVERGED when the loss is no number
   */
  async run(feeds: Readonly<Record<string, Tensor>>, parameters: NormParameters): Promise<GradientRun> {
    const values = await this.#session.run({
      ...feeds,
      rate: { dtype: 'float32', dims: [], data: Float32Array.of(0) },
      'scale.parameters': vector(parameters.scale),
      'shift.parameters': vector(parameters.shift),
      'scale.momentum': this.#zeros,
      'shift.momentum': this.#zeros,
      statistics: vector(this.#interleave(parameters)),
    })
    const loss = values[this.#step.loss]!.data[0] as number
    if (!Number.isFinite(loss)) throw adaptError('ADAPTATION_DIVERGED', `The loss is ${loss}`)
    const floats = (name: string) => values[name]!.data as Float32Array
    return {
      loss,
      gradient: { scale: floats('next.scale.momentum'), shift: floats('next.shift.momentum') },
      moments: this.#separate(floats('next.statistics')),
      values,
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  /** The training step keeps mean and variance of a layer side by side. */
  #interleave({ mean, variance }: BatchMoments): Float32Array {
    const both = new Float32Array(2 * this.#layout.channels)
    for (const { offset, channels } of this.#layout.layers) {
      both.set(mean.subarray(offset, offset + channels), 2 * offset)
      both.set(variance.subarray(offset, offset + channels), 2 * offset + channels)
    }
    return both
  }

  #separate(both: Float32Array): BatchMoments {
    const mean = new Float32Array(this.#layout.channels)
    const variance = new Float32Array(this.#layout.channels)
    for (const { offset, channels } of this.#layout.layers) {
      mean.set(both.subarray(2 * offset, 2 * offset + channels), offset)
      variance.set(both.subarray(2 * offset + channels, 2 * (offset + channels)), offset)
    }
    return { mean, variance }
  }
}

const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', dims: [data.length], data })

function lossGraph(model: Model, layout: NormLayout, options: NormGradientOptions): Model {
  const net = new GraphWithNorms(model, layout, 'adapt')
  net.write((layer, x) =>
    options.normalisation === 'batch' ? net.byBatch(layer, x) : net.byRunning(layer, x),
  )
  net.g.output(net.logits)
  options.loss(net)
  return net.g.build()
}
