/** Numbers of a layer; doubles where a test wants to know exactly. */
export type Numbers = Float32Array | Float64Array

/**
 * y += x·W: `x` `[length]` from `xAt`, `W` `[length, width]`, `y` `[width]` from `yAt`. Zeros of x are passed over; four rows of W at a
 * time, for reading and writing y is what takes long.
 */
export function addProduct(
  x: Numbers,
  xAt: number,
  length: number,
  matrix: Numbers,
  y: Numbers,
  yAt: number,
  width: number,
): void {
  let found = 0
  for (let at = 0; at < length; at++) {
    if (x[xAt + at] === 0) continue
    factors[found] = x[xAt + at]!
    rowsAt[found++] = at * width
    if (found < 4) continue
    found = 0
    addFour(matrix, y, yAt, width)
  }
  for (let one = 0; one < found; one++) {
    const factor = factors[one]!
    const row = rowsAt[one]!
    for (let column = 0; column < width; column++) y[yAt + column]! += factor * matrix[row + column]!
  }
}

function addFour(matrix: Numbers, y: Numbers, yAt: number, width: number): void {
  const [a, b, c, d] = [factors[0]!, factors[1]!, factors[2]!, factors[3]!]
  const [atA, atB, atC, atD] = [rowsAt[0]!, rowsAt[1]!, rowsAt[2]!, rowsAt[3]!]
  for (let column = 0; column < width; column++) {
    y[yAt + column]! +=
      a * matrix[atA + column]! +
      b * matrix[atB + column]! +
      c * matrix[atC + column]! +
      d * matrix[atD + column]!
  }
}

// Filled and read within one call.
const factors = new Float64Array(4)
const rowsAt = new Int32Array(4)
