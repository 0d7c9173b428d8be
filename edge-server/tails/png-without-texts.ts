/** Chunks of a PNG whose text may be compressed. */
const TEXTS = [0x7a545874, 0x69545874] // zTXt, iTXt

/**
 * A PNG without its texts, which nobody reads: 50 kB of them unpack to 50 MB, and hold a worker up for most of a second.
 * Chunk: length, type, content, checksum (PNG specification, 5.3).
 */
export function pngWithoutTexts(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.length)
  const kept: Uint8Array[] = []
  let keptTo = 0
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 12 + view.getUint32(at)
    if (TEXTS.includes(view.getUint32(at + 4))) {
      kept.push(png.subarray(keptTo, at))
      keptTo = Math.min(end, png.length)
    }
    at = end
  }
  return keptTo === 0 ? png : Buffer.concat([...kept, png.subarray(keptTo)])
}
