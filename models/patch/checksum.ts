import { crc32 } from '@isthmus/proto'
import { type NormParameters, normKinds } from '../adapt/norm-parameters.ts'

/** CRC-32 of all parameters, written as float32, low byte first: sender and receiver compare what they hold. */
export function parametersChecksum(parameters: NormParameters): number {
  const count = parameters.scale.length
  const bytes = new Uint8Array(4 * normKinds.length * count)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const kind of normKinds)
    for (const value of parameters[kind]) {
      view.setFloat32(at, value, true)
      at += 4
    }
  return crc32(bytes)
}
