import {
  halvesOf,
  type NormParameters,
  pixelReader,
  type SplitNetwork,
  withNormParameters,
} from '@isthmus/models/adapt'
import type { Bundle } from '@isthmus/models/bundle'
import { dequantize, type Quantizer, quantize } from '@isthmus/models/codec'
import type { LabelledImages } from '@isthmus/models/data'
import { writeModel } from '@isthmus/models/onnx'
import { openSession, type Session } from '@isthmus/models/runtime'
import { argmax } from '@isthmus/models/train'
import { pixelsOf } from './networks.ts'

const BATCH = 100

/** A split network as it answers: head, latent coded and decoded frame by frame, tail. */
export class SplitWire {
  readonly #head: Session
  readonly #tail: Session
  readonly #bundle: Bundle
  readonly #quantizer: Quantizer

  private constructor(head: Session, tail: Session, bundle: Bundle, quantizer: Quantizer) {
    this.#head = head
    this.#tail = tail
    this.#bundle = bundle
    this.#quantizer = quantizer
  }

  /** With these parameters, or as packed. */
  static async open(
    bundle: Bundle,
    split: SplitNetwork,
    quantizer: Quantizer,
    parameters?: NormParameters,
  ): Promise<SplitWire> {
    const changed = parameters && halvesOf(split, parameters)
    const half = (role: 'head' | 'tail'): Uint8Array => {
      const [network, vectors] = [split[role], changed?.[role]]
      if (!network || !vectors) return bundle.modelBytes(role)
      return writeModel(withNormParameters(network.model, network.layout, vectors))
    }
    const [head, tail] = [await openSession(half('head')), await openSession(half('tail'))]
    return new SplitWire(head, tail, bundle, quantizer)
  }

  /** Logits of some images, [rows, classes]. */
  async answer(images: readonly Uint8Array[]): Promise<Float32Array> {
    const { input, latent, output } = this.#bundle.manifest
    const network = { imageDims: input.dims as [number, number, number] }
    const read = pixelReader(network.imageDims, input.mean, input.std)
    const batch = read.batch(images, network)
    const dims = latent!.dims
    const size = dims.reduce((product, dim) => product * dim, 1)
    const made = (await this.#head.run({ [input.name]: batch }))[latent!.name]!.data as Float32Array
    const received = new Float32Array(made.length)
    for (let row = 0; row < images.length; row++) {
      const coded = quantize(made.slice(row * size, (row + 1) * size), this.#quantizer)
      received.set(dequantize(coded.packed, size, this.#quantizer, coded), row * size)
    }
    const feed = { dtype: 'float32', dims: [images.length, ...dims], data: received } as const
    return (await this.#tail.run({ [latent!.name]: feed }))[output.name]!.data as Float32Array
  }

  /** In percent. */
  async accuracy(images: LabelledImages): Promise<number> {
    const classes = this.#bundle.manifest.labels.length
    let right = 0
    for (let first = 0; first < images.count; first += BATCH) {
      const rows = Math.min(BATCH, images.count - first)
      const logits = await this.answer(
        Array.from({ length: rows }, (_, row) => pixelsOf(images, first + row)),
      )
      for (let row = 0; row < rows; row++)
        if (argmax(logits, row * classes, classes) === images.labels[first + row]) right++
    }
    return (100 * right) / images.count
  }

  async dispose(): Promise<void> {
    await this.#head.dispose()
    await this.#tail.dispose()
  }
}
