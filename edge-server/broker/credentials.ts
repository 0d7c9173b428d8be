import { createHash, timingSafeEqual } from 'node:crypto'

const PREFIX = 'sha256:'

const digest = (text: string | Uint8Array): Buffer => createHash('sha256').update(text).digest()

/** The passwords of the devices that may connect, one for each; kept as hashes. */
export class Credentials {
  readonly #hashes: ReadonlyMap<string, Buffer>

  /** @param users device id → password, or `sha256:` and the hexadecimal hash of one */
  constructor(users: Readonly<Record<string, string>>) {
    this.#hashes = new Map(
      Object.entries(users).map(([device, password]) => [
        device,
        password.startsWith(PREFIX) ? Buffer.from(password.slice(PREFIX.length), 'hex') : digest(password),
      ]),
    )
  }

  /** Whether this device may connect: its user name is its own id, and its password is right. */
  accept(device: string, username: string | undefined, password: Uint8Array | undefined): boolean {
    const expected = this.#hashes.get(device)
    if (expected === undefined || username !== device || password === undefined) return false
    return timingSafeEqual(expected, digest(password))
  }
}
