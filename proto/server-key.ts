import { crc32 } from './checksum.ts'

/** The number by which the devices of a site name a server to each other: CRC-32 of its id. */
export function serverKey(id: string): number {
  return crc32(new TextEncoder().encode(id))
}
