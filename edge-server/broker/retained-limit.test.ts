import { describe, expect, it } from 'vitest'
import { RetainedLimit } from './retained-limit.ts'

describe('the limit of retained messages', () => {
  it('clears those of the device that set none for longest', () => {
    const limit = new RetainedLimit(2)
    limit.keep('a', 'a/birth', true)
    limit.keep('a', 'a/state', true)
    limit.keep('b', 'b/birth', true)
    expect(limit.keep('c', 'c/birth', true)).toEqual(['a/birth', 'a/state'])
    limit.keep('b', 'b/state', true)
    expect(limit.keep('d', 'd/birth', true)).toEqual(['c/birth'])
  })

  it('counts no device that has cleared what it had set', () => {
    const limit = new RetainedLimit(1)
    limit.keep('a', 'a/birth', true)
    limit.keep('a', 'a/birth', false)
    expect(limit.keep('b', 'b/birth', true)).toEqual([])
  })
})
