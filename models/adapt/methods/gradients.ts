import type { Tensor } from '../../runtime/index.ts'
import type { AdaptableNetwork } from '../adaptable-network.ts'
import type { Normalisation } from '../graph-with-norms.ts'
import { selectiveEntropyLoss } from '../losses.ts'
import { type GradientRun, NormGradient } from '../norm-gradient.ts'
import type { NormParameters } from '../norm-parameters.ts'

/** Which rows count, and how much. */
export interface Selection {
  /** Entropies at or above do not count, in nats. */
  readonly upper: number
  readonly sharpness: number
  readonly margin: number
  /** What most answers resemble; undefined: nothing is known yet, and nothing is filtered by it. */
  readonly centre: Float32Array | undefined
  readonly similarity: number
  /** Rows to leave out: 0. Default: none. */
  readonly allowed?: Float32Array
}

export interface SelectiveRun extends GradientRun {
  readonly logits: Float32Array
  readonly entropy: Float32Array
  readonly selected: Float32Array
}

/** Gradients of the selective entropy of a network, for batches of any size: one graph for each size that comes. */
export class SelectiveGradients {
  readonly #network: AdaptableNetwork
  readonly #normalisation: Normalisation
  readonly #threads: number
  readonly #byRows = new Map<number, Promise<NormGradient>>()

  constructor(network: AdaptableNetwork, normalisation: Normalisation, threads: number) {
    this.#network = network
    this.#normalisation = normalisation
    this.#threads = threads
  }

  async run(
    images: Tensor<'float32'>,
    parameters: NormParameters,
    selection: Selection,
  ): Promise<SelectiveRun> {
    const { input, model, classes } = this.#network
    const rows = images.dims[0]!
    const { centre, similarity, allowed = new Float32Array(rows).fill(1) } = selection
    const run = await (await this.#of(rows)).run(
      {
        [input]: images,
        allowed: vector(allowed),
        centre: vector(centre ?? new Float32Array(classes)),
        similarity: scalar(centre ? similarity : Number.MAX_VALUE),
        upper: scalar(Math.min(selection.upper, Number.MAX_VALUE)),
        sharpness: scalar(selection.sharpness),
        margin: scalar(selection.margin),
      },
      parameters,
    )
    const floats = (name: string) => run.values[name]!.data as Float32Array
    return {
      ...run,
      logits: floats(model.graph.outputs[0]!.name),
      entropy: floats('entropy'),
      selected: floats('selected'),
    }
  }

  async dispose(): Promise<void> {
    for (const gradient of this.#byRows.values()) await (await gradient).dispose()
  }

  #of(rows: number): Promise<NormGradient> {
    let gradient = this.#byRows.get(rows)
    if (!gradient) {
      const { model, layout, input, imageDims, classes } = this.#network
      gradient = NormGradient.open(model, layout, {
        normalisation: this.#normalisation,
        inputDims: { [input]: [rows, ...imageDims] },
        loss: (net) => selectiveEntropyLoss(net, rows, classes),
        threads: this.#threads,
      })
      this.#byRows.set(rows, gradient)
    }
    return gradient
  }
}

const LARGEST = 3.4e38

const scalar = (value: number): Tensor => ({
  dtype: 'float32',
  dims: [],
  data: Float32Array.of(Math.min(value, LARGEST)),
})

const vector = (data: Float32Array): Tensor => ({ dtype: 'float32', dims: [data.length], data })
