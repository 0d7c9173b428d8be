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

  it('gives nothing back when the clock goes backwards', () => {
    const bucket = new TokenBucket(10, 1, 1000)
    bucket.take(1000)
    expect(bucket.take(0)).toBe(false)
  })
})
