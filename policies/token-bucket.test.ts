import { describe, expect, it } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const taken = (bucket: TokenBucket, times: readonly number[]) =>
  times.filter((nowMs) => bucket.take(nowMs)).length

describe('a token bucket', () => {
  it('lets a burst through, then the rate', () => {
    const bucket = new TokenBucket(10, 3, 0)
    expect(taken(bucket, Array(20).fill(0))).toBe(3)
    expect(taken(bucket, Array(20).fill(100))).toBe(1)
    expect(taken(bucket, Array(20).fill(10_000))).toBe(3)
  })

  it('says how many tokens there are, and lets some of them be spent', () => {
    const bucket = new TokenBucket(10, 3, 0)
    expect(bucket.tokens(0)).toBe(3)
    bucket.spend(2)
    expect(bucket.tokens(0)).toBe(1)
    expect(bucket.tokens(100)).toBe(2)
    bucket.spend(3)
    expect(bucket.tokens(150)).toBeLessThan(1)
    expect(bucket.tokens(300)).toBe(1)
  })

  it('gives nothing back when the clock goes backwards', () => {
    const bucket = new TokenBucket(10, 1, 1000)
    bucket.take(1000)
    expect(bucket.take(0)).toBe(false)
  })

  it('says how long until there is a token, a debt included', () => {
    const bucket = new TokenBucket(10, 3, 0)
    expect(bucket.waitMs(0)).toBe(0)
    bucket.spend(3)
    expect(bucket.waitMs(0)).toBeCloseTo(100)
    expect(bucket.waitMs(60)).toBeCloseTo(40)
    bucket.spend(2)
    expect(bucket.waitMs(60)).toBeCloseTo(240)
    expect(bucket.waitMs(300)).toBe(0)
  })
})
