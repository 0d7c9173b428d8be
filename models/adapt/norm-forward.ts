import { float, type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Session, type Tensor } from '../runtime/index.ts'
import { GraphWithNorms, type Normalisation } from './graph-with-norms.ts'
import type { BatchMoments } from './norm-gradient.ts'
import type { NormLayout } from './norm-layers.ts'
import { type NormParameters, normKinds } from './norm-parameters.ts'

/** Answers of a network whose normalisation parameters come with each run, so that a step of an adaptation needs no new session. */
export class NormForward {
  readonly #session: Session
  readonly #input: string
  readonly #logits: string
  readonly #layout: NormLayout

  private constructor(session: Session, model: Model, layout: NormLayout) {
    this.#session = session
    this.#input = model.graph.inputs[0]!.name
    this.#logits = model.graph.outputs[0]!.name
    this.#layout = layout
  }

  static async open(
    model: Model,
    layout: NormLayout,
    normalisation: Normalisation,
    threads = 1,
  ): Promise<NormForward> {
    const session = await openSession(writeModel(withParameterInputs(model, layout, normalisation)), {
      intraOpThreads: threads,
    })
    return new NormForward(session, model, layout)
  }

  /** Logits [rows, classes] of a batch. */
  async run(images: Tensor, parameters: NormParameters): Promise<Tensor<'float32'>> {
    return (await this.#values(images, parameters))[this.#logits] as Tensor<'float32'>
  }

  /** Normalised by batch: also the mean and the (biased) variance in front of each layer. */
  async runWithMoments(
    images: Tensor,
    parameters: NormParameters,
  ): Promise<{ logits: Tensor<'float32'>; moments: BatchMoments }> {
    const values = await this.#values(images, parameters)
    const moment = (kind: 'mean' | 'variance') => {
      const all = new Float32Array(this.#layout.channels)
      for (const { name, offset } of this.#layout.layers)
        all.set(values[`${name}.batch_${kind}`]!.data as Float32Array, offset)
      return all
    }
    return {
      logits: values[this.#logits] as Tensor<'float32'>,
      moments: { mean: moment('mean'), variance: moment('variance') },
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  #values(images: Tensor, parameters: NormParameters): Promise<Record<string, Tensor>> {
    const feeds: Record<string, Tensor> = { [this.#input]: images }
    for (const kind of normKinds) {
      const data = parameters[kind]
      feeds[`norm.${kind}`] = { dtype: 'float32', dims: [data.length], data }
    }
    return this.#session.run(feeds)
  }
}

/** The network with its normalisation parameters as four further inputs, each the channels of all layers end to end. */
function withParameterInputs(model: Model, layout: NormLayout, normalisation: Normalisation): Model {
  const net = new GraphWithNorms(model, layout, 'forward')
  const { g } = net
  for (const kind of normKinds) g.input(`norm.${kind}`, 'float32', [layout.channels])
  const replaced = new Set(layout.layers.flatMap((layer) => normKinds.map((kind) => layer[kind])))
  net.write((layer, x) => {
    const part = (kind: string) =>
      g.op('Slice', [
        `norm.${kind}`,
        g.ints([layer.offset]),
        g.ints([layer.offset + layer.channels]),
        g.ints([0]),
      ])
    const epsilon = float(layer.epsilon)
    const inputs = [x, ...normKinds.map(part)]
    if (normalisation === 'running') {
      g.op('BatchNormalization', inputs, { epsilon }, layer.name)
      return
    }
    const moments = [`${layer.name}.batch_mean`, `${layer.name}.batch_variance`]
    // Without momentum, the operator's running averages are the moments of this batch.
    const attributes = { epsilon, training_mode: 1, momentum: float(0) }
    g.ops('BatchNormalization', inputs, attributes, [layer.name, ...moments])
    for (const moment of moments) g.output(moment)
  }, replaced)
  g.output(net.logits)
  return g.build()
}
