import { patchError } from './errors.ts'
import { LAYOUT_DIGEST_BYTES } from './layers.ts'

/**
 * How the numbers of a patch are written: `float32` as they are, `float16` and `int8` as differences to what the receiver holds.
 */
export const patchDtypes = ['float32', 'float16', 'int8'] as const
export type PatchDtype = (typeof patchDtypes)[number]

/** Which state of a family's parameters: they grow by epoch first, then by version. Version 0 is the base network. */
export interface PatchVersion {
  /** Grows when a server has lost its count and begins anew, say the second at which it did. */
  readonly epoch: number
  readonly version: number
}

/** What stands at the head of a patch. All numbers are unsigned, of 32 bits, low byte first. */
export interface PatchHeader extends PatchVersion {
  readonly dtype: PatchDtype
  /** Whether the numbers are deflated. */
  readonly isDeflated: boolean
  /** SHA-256 of the ONNX file of the base network, 32 bytes. */
  readonly family: Uint8Array
  readonly layoutDigest: Uint8Array
  /** The version that it is a difference to, of the same epoch. 0: the base network; every device of the family can take it. */
  readonly against: number
  /** When it was made, in seconds since 1970. */
  readonly issuedS: number
  /** CRC-32 of all parameters as they are once it is applied. */
  readonly resultChecksum: number
}

export const HEADER_BYTES = 80
export const FAMILY_BYTES = 32
export const CHECKSUM_BYTES = 4
export const SIGNATURE_BYTES = 64
const MAGIC = 0x31_50_53_49 // "ISP1"
const MAX_U32 = 0xffff_ffff

/** Lengths that follow the header. */
export interface PatchLengths {
  /** Layers of the whole network. */
  readonly layers: number
  /** Bytes of the numbers as they stand in the patch. */
  readonly payload: number
}

export function writeHeader(bytes: Uint8Array, header: PatchHeader, lengths: PatchLengths): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, patchDtypes.indexOf(header.dtype))
  view.setUint8(5, header.isDeflated ? 1 : 0)
  view.setUint16(6, lengths.layers, true)
  bytes.set(header.family, 8)
  bytes.set(header.layoutDigest, 40)
  const words = [header.epoch, header.version, header.against, header.issuedS, header.resultChecksum]
  for (const [at, word] of [...words, lengths.payload].entries())
    view.setUint32(56 + 4 * at, checkedU32(word), true)
}

/** Throws PATCH_MALFORMED. Nothing but the form is checked. */
export function readHeader(bytes: Uint8Array): PatchHeader & PatchLengths {
  if (bytes.length < HEADER_BYTES) throw patchError('PATCH_MALFORMED', `${bytes.length} bytes are no patch`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC)
    throw patchError('PATCH_MALFORMED', 'This is no patch of this format')
  const dtype = patchDtypes[view.getUint8(4)]
  const coding = view.getUint8(5)
  if (!dtype || coding > 1)
    throw patchError('PATCH_MALFORMED', 'The patch is of a kind that is not known here')
  const word = (at: number): number => view.getUint32(56 + 4 * at, true)
  const header = {
    dtype,
    isDeflated: coding === 1,
    family: bytes.slice(8, 8 + FAMILY_BYTES),
    layoutDigest: bytes.slice(40, 40 + LAYOUT_DIGEST_BYTES),
    epoch: word(0),
    version: word(1),
    against: word(2),
    issuedS: word(3),
    resultChecksum: word(4),
    layers: view.getUint16(6, true),
    payload: word(5),
  }
  if (header.version === 0 || header.against >= header.version)
    throw patchError('PATCH_MALFORMED', `Version ${header.version} cannot follow version ${header.against}`)
  return header
}

/** Less than 0 when `a` is older than `b`. */
export const compareVersions = (a: PatchVersion, b: PatchVersion): number =>
  a.epoch - b.epoch || a.version - b.version

export function checkedU32(value: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_U32))
    throw patchError('PATCH_BAD_OPTION', `${value} is no unsigned number of 32 bits`)
  return value
}
