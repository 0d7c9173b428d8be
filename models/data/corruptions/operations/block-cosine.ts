// cosines[k·8 + n]: weight of sample n in coefficient k of the orthonormal DCT-II.
const cosines = Float64Array.from({ length: 64 }, (_, at) => {
  const k = at >> 3
  return (k === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * (at & 7) + 1) * k * Math.PI) / 16)
})
const between = new Float64Array(64)

/** The cosine transform of a block `[8, 8]`, in place. */
export function blockCosine(block: Float64Array): void {
  // Along rows, written turned; twice turns it back.
  for (let pass = 0; pass < 2; pass++) {
    for (let row = 0; row < 64; row += 8) {
      for (let k = 0; k < 8; k++) {
        let sum = 0
        for (let n = 0; n < 8; n++) sum += cosines[k * 8 + n]! * block[row + n]!
        between[k * 8 + (row >> 3)] = sum
      }
    }
    block.set(between)
  }
}

/** {@link blockCosine} undone, in place. */
export function inverseBlockCosine(block: Float64Array): void {
  for (let pass = 0; pass < 2; pass++) {
    for (let row = 0; row < 64; row += 8) {
      for (let n = 0; n < 8; n++) {
        let sum = 0
        for (let k = 0; k < 8; k++) sum += cosines[k * 8 + n]! * block[row + k]!
        between[n * 8 + (row >> 3)] = sum
      }
    }
    block.set(between)
  }
}
