import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findState, saveState } from './learner-state.ts'
import { openSigningKey } from './signing-key.ts'
import { readState, writeState } from './state-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-state-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a state file', () => {
  const state = {
    numbers: Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY),
    images: [Uint8Array.of(1, 2), Uint8Array.of(3)],
    by: new Map([[7, 'seven']]),
  }

  it('gives back what was written, typed arrays and maps included', async () => {
    const path = join(folder, 'whole')
    expect(await writeState(path, state)).toBe(statSync(path).size)
    expect(await readState(path)).toEqual(state)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is nothing where there is none', async () => {
    expect(await readState(join(folder, 'none'))).toBeUndefined()
  })

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ['empty', () => Buffer.alloc(0)],
    ['changed in one bit', (bytes: Buffer) => bytes.with(bytes.length - 5, bytes.at(-5)! ^ 1)],
    ['something else', () => Buffer.from('{"version":1}')],
  ])('is refused when it is %s', async (_what, spoil) => {
    const path = join(folder, 'spoilt')
    await writeState(path, state)
    writeFileSync(path, spoil(readFileSync(path)))
    await expect(readState(path)).rejects.toMatchObject({ code: 'STATE_DAMAGED' })
    expect(await findState(path, 'a b')).toMatchObject({ found: 'damaged', state: undefined })
  })

  it('keeps the old content until the new is whole: a draft that was never finished does not count', async () => {
    const path = join(folder, 'old')
    await writeState(path, state)
    writeFileSync(`${path}.new`, 'half')
    expect(await readState(path)).toEqual(state)
    await writeState(path, { newer: true })
    expect(await readState(path)).toEqual({ newer: true })
  })

  it('is not gone on from with other networks', async () => {
    const path = join(folder, 'lineage')
    const saved = { lineage: 'a b' } as Parameters<typeof saveState>[1]
    await saveState(path, saved)
    expect(await findState(path, 'a b')).toMatchObject({ found: 'resumed', state: saved })
    expect(await findState(path, 'a c')).toMatchObject({ found: 'other-networks', state: undefined })
    expect(await findState(join(folder, 'none'), 'a b')).toMatchObject({ found: 'none' })
  })
})

describe('the signing key', () => {
  it('is made once, for its owner alone, and found again', async () => {
    const path = join(folder, 'key.pem')
    const made = await openSigningKey(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(made.publicText).toMatch(/^[\w-]{43}$/)
    const found = await openSigningKey(path)
    expect(found.publicText).toBe(made.publicText)
    expect(found.privateKey.equals(made.privateKey)).toBe(true)
  })

  it('is refused when others may read it, or when it is no key', async () => {
    const open = join(folder, 'open.pem')
    await openSigningKey(open)
    const pem = readFileSync(open)
    writeFileSync(join(folder, 'shared.pem'), pem, { mode: 0o644 })
    await expect(openSigningKey(join(folder, 'shared.pem'))).rejects.toMatchObject({
      code: 'BAD_SIGNING_KEY',
    })
    writeFileSync(join(folder, 'none.pem'), 'no key', { mode: 0o600 })
    await expect(openSigningKey(join(folder, 'none.pem'))).rejects.toMatchObject({ code: 'BAD_SIGNING_KEY' })
  })
})
