/**
 * What lies outside an image `abc`. `nearest`: aaa|abc|ccc. `reflect`: cba|abc|cba (SciPy's word).
 * `reflect-101`: cb|abc|ba, the edge itself is not repeated (OpenCV's word, and its default).
 */
export type Border = 'nearest' | 'reflect' | 'reflect-101'

/** The position within 0 … size-1 that stands for `position`. */
export function inside(position: number, size: number, border: Border): number {
  if (position >= 0 && position < size) return position
  if (border === 'nearest') return position < 0 ? 0 : size - 1
  if (size === 1) return 0
  const repeated = border === 'reflect' ? 1 : 0
  const period = 2 * (size - 1 + repeated)
  const folded = ((position % period) + period) % period
  return folded < size ? folded : period - folded - repeated
}

/** {@link inside} of -pad … size-1+pad. */
export const paddedIndices = (size: number, pad: number, border: Border): Int32Array =>
  Int32Array.from({ length: size + 2 * pad }, (_, k) => inside(k - pad, size, border))
