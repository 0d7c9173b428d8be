import type { ImageCodec } from '../tails/decode-image.ts'

/** A picture as it came, coded. */
export interface CodedPicture {
  readonly codec: ImageCodec
  readonly bytes: Uint8Array
}

/** A picture that waits to be judged: planar 8-bit RGB, [C, H, W], or still coded. */
export type Picture = Uint8Array | CodedPicture

/** What bytes of an image begin with, in Latin-1: JPEG's start and next marker; PNG's signature (5.2). */
const JPEG = '\u00ff\u00d8\u00ff'
const PNG = '\u0089PNG\r\n\u001a\n'

/** How an image is coded, by its first bytes; undefined when it is none that devices send. */
export function codecOf(bytes: Uint8Array): ImageCodec | undefined {
  const first = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.length)).toString('latin1')
  if (first.startsWith(JPEG)) return 'jpeg'
  if (first.startsWith(PNG)) return 'png'
  // A RIFF file says its length between the two.
  return first.startsWith('RIFF') && first.endsWith('WEBP') ? 'webp' : undefined
}
