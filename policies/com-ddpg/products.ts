/** Weights of a layer; doubles where a test wants to know exactly. */
export type Weights = Float32Array | Float64Array

/** y += x·W: `x` `[length]` from `xAt`, `W` `[length, width]` from its row `row`, `y` `[width]` from `yAt`. Zeros of x are passed over. */
export function addProduct(
  x: Weights,
  xAt: number,
  length: number,
  matrix: Weights,
  row: number,
  width: number,
  y: Weights,
  yAt: number,
): void {
  for (let at = 0; at < length; at++) {
    const factor = x[xAt + at]!
    if (factor === 0) continue
    const from = (row + at) * width
    for (let column = 0; column < width; column++) y[yAt + column]! += factor * matrix[from + column]!
  }
}

export const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value))
