import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { IsthmusError } from './errors.ts'
import { isWireErrorCode, type WireErrorCode, wireError, wireErrorCodeOf, wireErrors } from './wire-errors.ts'

const codes = Object.keys(wireErrors) as WireErrorCode[]

describe('the errors of the wire', () => {
  it('have one number each, from which the code is found', () => {
    expect(new Set(codes.map((code) => wireErrors[code].number)).size).toBe(codes.length)
    for (const code of codes) expect(wireErrorCodeOf(wireErrors[code].number)).toBe(code)
    expect(wireErrorCodeOf(0)).toBeUndefined()
    expect(wireErrorCodeOf(9999)).toBeUndefined()
  })

  it('say what was wrong and what to do next, and keep the cause', () => {
    const cause = new Error('inner')
    const error = wireError('EXPIRED', 'It waited 130 ms of 120 ms', cause)
    expect(error).toBeInstanceOf(IsthmusError)
    expect(error).toMatchObject({ name: 'IsthmusError', code: 'EXPIRED', retryable: true, cause })
    expect(error.message).toBe('It waited 130 ms of 120 ms. Allow more time or choose a faster mode.')
  })

  it('say it once when an error is passed on', () => {
    const first = wireError('BAD_SHAPE', 'It has 3 dims')
    expect(wireError('BAD_SHAPE', first.message).message).toBe(first.message)
    expect(wireError('BAD_SHAPE', '').message).toBe(wireErrors.BAD_SHAPE.hint)
  })

  it('are told from other codes', () => {
    expect(isWireErrorCode('REPLAYED')).toBe(true)
    expect(isWireErrorCode('toString')).toBe(false)
  })

  it('stand in docs/wire.md as they are in the code', async () => {
    const page = await readFile(new URL('../../docs/wire.md', import.meta.url), 'utf8')
    const rows = page.matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (yes|no) \| (.+) \|$/gm)
    const documented = [...rows].map(([, number, code, retryable, hint]) => ({
      code,
      number: Number(number),
      retryable: retryable === 'yes',
      hint,
    }))
    expect(documented).toEqual(codes.map((code) => ({ code, ...wireErrors[code] })))
  })
})
