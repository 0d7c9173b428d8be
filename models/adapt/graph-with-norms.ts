// Not the folder's index: devices load this file, and nothing that trains.
import { THROUGH_BATCH } from '../autodiff/batch-statistics.ts'
import { STOP_GRADIENT } from '../autodiff/rules/flat.ts'
import { float, GraphBuilder, type Model, type Node } from '../onnx/index.ts'
import type { NormLayer, NormLayout } from './norm-layers.ts'

/**
 * How a network normalises while it learns.
 *
 * - `batch`: by the mean and variance of the batch.
 * - `running`: by its running statistics, so that an answer depends on its own image alone. The gradient goes through the
 *   statistics of the batch all the same (batch renormalisation, Ioffe 2017, with its two corrections held constant).
 */
export type Normalisation = 'batch' | 'running'

/** Writes the nodes of a network into a graph under construction, with other nodes in place of its normalisations. */
export class GraphWithNorms {
  readonly g: GraphBuilder
  readonly #model: Model
  readonly #layers: ReadonlyMap<string, NormLayer>
  #held = 0

  constructor(model: Model, layout: NormLayout, name: string) {
    this.#model = model
    this.g = new GraphBuilder(name, model.opsets[''] ?? 17, `${name}/`)
    this.#layers = new Map(layout.layers.map((layer) => [layer.name, layer]))
  }

  /** Inputs and nodes of the network; `norm` writes what stands for a layer and must make the value `layer.name`. */
  write(norm: (layer: NormLayer, x: string) => void, skip: ReadonlySet<string> = new Set()): void {
    const { graph } = this.#model
    for (const { name, dtype, dims } of graph.inputs) this.g.input(name, dtype, dims ?? [])
    for (const [name, tensor] of graph.initializers) if (!skip.has(name)) this.g.constant(tensor, name)
    for (const node of graph.nodes) {
      const layer = this.#layers.get(node.outputs[0]!)
      if (layer) norm(layer, node.inputs[0]!)
      else this.g.node(node)
    }
  }

  /** A layer that normalises by the statistics of its batch, which the training step takes into its running averages. */
  byBatch(layer: NormLayer, x: string): void {
    this.g.node(batchNorm(layer, [x, layer.scale, layer.shift, layer.mean, layer.variance], [layer.name]))
  }

  /** A layer that answers by its running statistics and lets the gradient through those of the batch. */
  byRunning(layer: NormLayer, x: string): void {
    const inputs = [x, layer.scale, layer.shift, layer.mean, layer.variance]
    const attributes = { epsilon: float(layer.epsilon), momentum: float(0) }
    const name = `${THROUGH_BATCH}/${layer.name}`
    this.g.node({ ...batchNorm(layer, inputs, [layer.name]), name, attributes })
  }

  /** The same value, but no gradient goes back through it. */
  hold(value: string): string {
    return this.g.op('Identity', [value], {}, `${STOP_GRADIENT}/${this.#held++}`)
  }

  /** Name of the network's logits. */
  get logits(): string {
    return this.#model.graph.outputs[0]!.name
  }
}

const batchNorm = (layer: NormLayer, inputs: string[], outputs: string[]): Node => ({
  name: outputs[0]!,
  op: 'BatchNormalization',
  domain: '',
  inputs,
  outputs,
  attributes: {
    epsilon: float(layer.epsilon),
    training_mode: { type: 'int', value: 1 },
    // A step hands the statistics of its batch out; how fast they count is the caller's affair.
    momentum: float(0),
  },
})
