import { crc32 } from '@isthmus/proto'
import { type NormParameters, normKinds, normVectors } from '../adapt/norm-parameters.ts'

/** All parameters as float32, low byte first: scales, shifts, means, variances. */
export function parametersToBytes(parameters: NormParameters): Uint8Array {
  const bytes = new Uint8Array(4 * normKinds.length * parameters.scale.length)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const kind of normKinds)
    for (const value of parameters[kind]) {
      view.setFloat32(at, value, true)
      at += 4
    }
  return bytes
}

/** Their inverse. The four vectors share the bytes evenly. */
export function parametersOfBytes(bytes: Uint8Array): NormParameters {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Math.floor(bytes.length / 16)
  let at = 0
  return normVectors(() => Float32Array.from({ length: count }, () => view.getFloat32(4 * at++, true)))
}

/** CRC-32 of all parameters: sender and receiver compare what they hold. */
export const parametersChecksum = (parameters: NormParameters): number => crc32(parametersToBytes(parameters))
