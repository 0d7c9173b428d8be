import type { InputShape } from './frame.ts'

/** Turns RGB bytes of the input size into the network's input: (pixel / 255 − mean) / std, in its layout. */
export class Normaliser {
  readonly #tables: Float32Array[]
  readonly #shape: InputShape

  constructor(shape: InputShape) {
    this.#shape = shape
    this.#tables = shape.mean.map((mean, channel) =>
      Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / shape.std[channel]!),
    )
  }

  /** `rgb`: width × height × 3 bytes. `out`: as many float32. */
  into(rgb: Uint8Array | Uint8ClampedArray, out: Float32Array): void {
    const [red, green, blue] = this.#tables as [Float32Array, Float32Array, Float32Array]
    const pixels = this.#shape.width * this.#shape.height
    const planar = this.#shape.layout === 'NCHW'
    // Where the next pixel of a channel lies, and where the next channel of a pixel.
    const step = planar ? 1 : 3
    const plane = planar ? pixels : 1
    for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += 3, to += step) {
      out[to] = red[rgb[from]!]!
      out[to + plane] = green[rgb[from + 1]!]!
      out[to + 2 * plane] = blue[rgb[from + 2]!]!
    }
  }
}

/** Input tensors to be used again: a frame holds one until nothing reads it any more. */
export class TensorPool {
  readonly #free: Float32Array[] = []
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  take(): Float32Array {
    return this.#free.pop() ?? new Float32Array(this.#count)
  }

  giveBack(tensor: Float32Array): void {
    if (this.#free.length < 8) this.#free.push(tensor)
  }
}
