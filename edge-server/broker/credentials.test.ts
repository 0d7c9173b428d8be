import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Credentials } from './credentials.ts'

const bytes = (text: string) => Buffer.from(text)

describe('the credentials of devices', () => {
  const hash = createHash('sha256').update('cam-two-secret').digest('hex')
  const credentials = new Credentials({ 'cam-1': 'cam-one-secret', 'cam-2': `sha256:${hash}` })

  it('accepts a device under its own name with its own password, plain or hashed in the table', () => {
    expect(credentials.accept('cam-1', 'cam-1', bytes('cam-one-secret'))).toBe(true)
    expect(credentials.accept('cam-2', 'cam-2', bytes('cam-two-secret'))).toBe(true)
  })

  it('refuses everything else', () => {
    expect(credentials.accept('cam-1', 'cam-1', bytes('cam-two-secret'))).toBe(false)
    expect(credentials.accept('cam-1', 'cam-2', bytes('cam-two-secret'))).toBe(false)
    expect(credentials.accept('cam-2', 'cam-2', bytes(`sha256:${hash}`))).toBe(false)
    expect(credentials.accept('cam-1', 'cam-1', undefined)).toBe(false)
    expect(credentials.accept('cam-1', undefined, undefined)).toBe(false)
    expect(credentials.accept('cam-3', 'cam-3', bytes(''))).toBe(false)
  })
})
