import type { Manifest } from '@isthmus/models/bundle'
import { deviceError } from './errors.ts'
import { allFinite } from './guesses.ts'

/** RGB pixels, interleaved, rows from the top: `data.length` is width × height × 3. */
export interface RgbFrame {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/** An image file's bytes: JPEG, PNG or WebP. */
export interface EncodedFrame {
  readonly data: Uint8Array
  readonly encoded: true
}

/**
 * One input. A Float32Array is the network's input tensor as it is, already normalised, in the bundle's layout.
 * The data is read until the answer is there; do not write to it before.
 */
export type Frame = RgbFrame | EncodedFrame | Float32Array

/** What a bundle's networks take, from its manifest. */
export interface InputShape {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly layout: 'NCHW' | 'NHWC'
  /** With the batch dimension of 1. */
  readonly dims: readonly number[]
  readonly count: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly fit: 'cover' | 'fill'
}

export function inputShape({ input }: Manifest): InputShape {
  const { dims, layout, mean, std, fit } = input
  const [channels, height, width] = layout === 'NCHW' ? dims : [dims[2], dims[0], dims[1]]
  const count = channels * height * width
  return { width, height, channels, layout, dims: [1, ...dims], count, mean, std, fit }
}

/** Longest side of a frame in pixels. */
const MAX_SIDE = 16_384

/** Throws BAD_FRAME for anything that is not a frame of this shape. */
export function checkFrame(frame: unknown, shape: InputShape): asserts frame is Frame {
  if (frame instanceof Float32Array) {
    if (frame.length !== shape.count) {
      throw deviceError(
        'BAD_FRAME',
        `The tensor holds ${frame.length} numbers, the network takes ${shape.count}.`,
      )
    }
    if (allFinite(frame)) return
    throw deviceError('BAD_FRAME', 'The tensor holds NaN or an infinity.')
  }
  const { data, width, height, encoded } = (frame ?? {}) as Record<string, unknown>
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw deviceError('BAD_FRAME', 'The frame has no data of type Uint8Array.')
  }
  if (shape.channels !== 3) {
    throw deviceError('BAD_FRAME', `The network takes ${shape.channels} channels: give a tensor.`)
  }
  if (encoded === true) {
    if (data.length > 0) return
    throw deviceError('BAD_FRAME', 'The encoded frame is empty.')
  }
  const sides = [width, height]
  if (
    !sides.every((side) => Number.isInteger(side) && (side as number) > 0 && (side as number) <= MAX_SIDE)
  ) {
    throw deviceError('BAD_FRAME', `A frame of ${String(width)}×${String(height)} pixels cannot be.`)
  }
  const expected = (width as number) * (height as number) * 3
  if (data.length === expected) return
  throw deviceError(
    'BAD_FRAME',
    `${width}×${height} RGB pixels take ${expected} bytes, the frame has ${data.length}.`,
  )
}

export function isRgb(frame: RgbFrame | EncodedFrame): frame is RgbFrame {
  return !('encoded' in frame && frame.encoded)
}
