/** A monotonic clock's milliseconds (say `performance.now()`) as microseconds modulo 2^32, as the envelope carries them. */
export function clockUs32(nowMs: number): number {
  return Math.floor(nowMs * 1000) >>> 0
}

/**
 * Microseconds from `earlier` to `later`, both readings of one clock modulo 2^32: right across the wrap, negative when
 * `later` lies before `earlier`. Holds for spans below 2^31 µs (35 min 47 s) either way.
 */
export function elapsedUs32(later: number, earlier: number): number {
  return (later - earlier) | 0
}
