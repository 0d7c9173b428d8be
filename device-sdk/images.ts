import type { EncodedFrame, InputShape, RgbFrame } from './frame.ts'

/** How the input travels on route `edge`. */
export interface ImageCoding {
  readonly codec: 'raw' | 'png' | 'jpeg' | 'webp'
  /** 1..100 for jpeg and webp. */
  readonly quality?: number | undefined
}

/** Resizing and coding of images: sharp under Node, a canvas in a browser. */
export interface ImageWork {
  /** RGB bytes of exactly the input's width and height. Throws BAD_FRAME for an unreadable image. */
  toRgb(frame: RgbFrame | EncodedFrame, shape: InputShape): Promise<Uint8Array | Uint8ClampedArray>
  /** The same pixels, coded. `raw` is RGB bytes. */
  encode(rgb: Uint8Array | Uint8ClampedArray, shape: InputShape, coding: ImageCoding): Promise<Uint8Array>
}
