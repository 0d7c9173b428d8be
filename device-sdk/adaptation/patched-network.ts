import {
  type NormLayout,
  type NormParameters,
  normLayoutOf,
  plainWeights,
  readNormParameters,
  withNormParameters,
  withParameterInputs,
} from '@isthmus/models/adapt/norms'
import { type Model, readModel, writeModel } from '@isthmus/models/onnx'

/** A network of the bundle whose normalisation layers can be given other parameters. */
export class PatchedNetwork {
  readonly layout: NormLayout
  /** As packed. */
  readonly base: NormParameters
  /** Where answers are read, as `ModelRunner` does it. */
  readonly output: string
  readonly #model: Model

  private constructor(model: Model, layout: NormLayout, output: string | undefined) {
    const { outputs } = model.graph
    this.#model = model
    this.layout = layout
    this.output = (outputs.find(({ name }) => name === output) ?? outputs[0]!).name
    this.base = readNormParameters(model, layout)
  }

  /**
   * `output` is taken where the network has it, else its first. Undefined for a network without normalisation layers: exporters often work them
   * into the convolutions.
   */
  static of(file: Uint8Array, output?: string): PatchedNetwork | undefined {
    const packed = readModel(file)
    for (const model of [packed, plainWeights(packed)]) {
      try {
        return new PatchedNetwork(model, normLayoutOf(model), output)
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'NO_NORMALISATION') throw error
      }
    }
    return undefined
  }

  /** The ONNX file with these parameters. Throws NORM_MISMATCH or NORM_NOT_FINITE. */
  file(parameters: NormParameters): Uint8Array {
    return writeModel(withNormParameters(this.#model, this.layout, parameters))
  }

  /**
   * The ONNX file that takes a batch of frames and the parameters (`parameterFeeds`), and gives what each layer gets (`momentsOf`) and `output`.
   */
  momentsFile(): Uint8Array {
    const { graph } = this.#model
    const inputs = graph.inputs.map((input) => ({ ...input, dims: ['N', ...(input.dims ?? []).slice(1)] }))
    const outputs = graph.outputs.filter(({ name }) => name === this.output)
    const batched = { ...this.#model, graph: { ...graph, inputs, outputs } }
    return writeModel(withParameterInputs(batched, this.layout, 'batch'))
  }

  get input(): string {
    return this.#model.graph.inputs[0]!.name
  }
}
