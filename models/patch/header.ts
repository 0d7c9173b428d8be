import { patchError } from './errors.ts'

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
  /** CRC-32 of names and sizes of the network's layers. */
  readonly layoutChecksum: number
  /** Layers of the whole network. */
  readonly layers: number
  /** The version that it is a difference to, of the same epoch. 0: the base network; every device of the family can take it. */
  readonly against: number
  /** When it was made, in seconds since 1970. */
  readonly issuedS: number
  /** CRC-32 of all parameters as they are once it is applied. */
  readonly resultChecksum: number
}

export const HEADER_BYTES = 64
export const FAMILY_BYTES = 32
export const CHECKSUM_BYTES = 4
export const SIGNATURE_BYTES = 64
const MAGIC = 0x31_50_53_49 // "ISP1"
const MAX_U32 = 0xffff_ffff
/** Numbers from byte 40 on. */
const words = ['layoutChecksum', 'epoch', 'version', 'against', 'issuedS', 'resultChecksum'] as const

export function writeHeader(bytes: Uint8Array, header: PatchHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, patchDtypes.indexOf(header.dtype))
  view.setUint8(5, header.isDeflated ? 1 : 0)
  view.setUint16(6, header.layers, true)
  bytes.set(header.family, 8)
  for (const [at, word] of words.entries()) view.setUint32(40 + 4 * at, checkedU32(header[word], word), true)
}

/** Reads the head of a patch, and checks its form only. Throws PATCH_MALFORMED. */
export function readHeader(bytes: Uint8Array): PatchHeader {
  if (bytes.length < HEADER_BYTES) throw patchError('PATCH_MALFORMED', `${bytes.length} bytes are no patch`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const dtype = patchDtypes[view.getUint8(4)]
  const coding = view.getUint8(5)
  if (view.getUint32(0, true) !== MAGIC || !dtype || coding > 1)
    throw patchError('PATCH_MALFORMED', 'This is no patch of a kind that is known here')
  const [layoutChecksum, epoch, version, against, issuedS, resultChecksum] = words.map((_, at) =>
    view.getUint32(40 + 4 * at, true),
  ) as [number, number, number, number, number, number]
  if (version === 0 || against >= version)
    throw patchError('PATCH_MALFORMED', `Version ${version} cannot follow version ${against}`)
  return {
    dtype,
    isDeflated: coding === 1,
    layers: view.getUint16(6, true),
    family: bytes.slice(8, 8 + FAMILY_BYTES),
    layoutChecksum,
    epoch,
    version,
    against,
    issuedS,
    resultChecksum,
  }
}

/** Less than 0 when `a` is older than `b`. */
export const compareVersions = (a: PatchVersion, b: PatchVersion): number =>
  a.epoch - b.epoch || a.version - b.version

export function checkedU32(value: number, name: string): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_U32))
    throw patchError('PATCH_BAD_OPTION', `${name}: ${value} is no unsigned number of 32 bits`)
  return value
}
