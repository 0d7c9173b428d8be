/** The bytes that remain when everything is taken out of an image file that a decoder made for one size and setting could know. */
export type StrippedBytes = (file: Uint8Array) => number

const view = (file: Uint8Array) => new DataView(file.buffer, file.byteOffset, file.byteLength)

/**
 * Of a JPEG: its entropy-coded segments alone. The Huffman tables go too, although they are made for each image: no fixed decoder could know
 * them, so JPEG is given more than it can have.
 */
export function strippedJpeg(file: Uint8Array): number {
  const data = view(file)
  let bytes = 0
  for (let at = 2; at + 2 <= file.length; ) {
    const marker = data.getUint16(at)
    if (marker === 0xffd9) return bytes
    if (marker < 0xffc0 || at + 4 > file.length) break
    at += 2 + data.getUint16(at + 2)
    if (marker !== 0xffda) continue
    const begin = at
    while (at < file.length && !isMarker(file, at)) at++
    bytes += at - begin
  }
  throw new Error('This is no whole JPEG file.')
}

/** Within entropy-coded data 0xff is followed by 0, or by a restart marker. */
const isMarker = (file: Uint8Array, at: number): boolean => {
  const next = file[at + 1]
  return file[at] === 0xff && next !== undefined && next !== 0 && !(next >= 0xd0 && next <= 0xd7)
}

/** Start code and size of a VP8 key frame. */
const VP8_KNOWN_BYTES = 7

/** Of a WebP: the VP8 frame without start code and size, or the VP8L stream. */
export function strippedWebp(file: Uint8Array): number {
  const data = view(file)
  for (let at = 12; at + 8 <= file.length; ) {
    const name = String.fromCharCode(...file.subarray(at, at + 4))
    const length = data.getUint32(at + 4, true)
    if (name === 'VP8 ') return length - VP8_KNOWN_BYTES
    if (name === 'VP8L') return length
    at += 8 + length + (length % 2)
  }
  throw new Error('This is no WebP file.')
}

/** AV1's open bitstream units: frame header, tile group, frame. */
const frameUnits = new Set([3, 4, 6])

/** Of an AVIF: the AV1 frames in `mdat`, without the sequence header. */
export function strippedAvif(file: Uint8Array): number {
  const data = view(file)
  for (let at = 0; at + 8 <= file.length; ) {
    const length = data.getUint32(at)
    if (length < 8) break
    if (String.fromCharCode(...file.subarray(at + 4, at + 8)) === 'mdat') {
      return frameBytes(file.subarray(at + 8, at + length))
    }
    at += length
  }
  throw new Error('This is no AVIF file.')
}

function frameBytes(units: Uint8Array): number {
  let bytes = 0
  for (let at = 0; at < units.length; ) {
    const header = units[at]!
    let next = at + (header & 4 ? 2 : 1)
    let length = units.length - next
    if (header & 2) {
      length = 0
      for (let shift = 0; ; shift += 7) {
        const byte = units[next++]!
        length |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
    }
    if (frameUnits.has((header >> 3) & 15)) bytes += next - at + length
    at = next + length
  }
  return bytes
}
