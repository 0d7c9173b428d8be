/**
 * How much less sure answers to frames are when these are normalised by themselves than they were when given: the difference of the mean entropies, as a
 * share of ln(classes). `output`: [rows, classes] by the frames' own statistics; `given`: the entropies of the answers given, summed; both in nats.
 */
export function doubtOf(
  output: Float32Array,
  rows: number,
  entropyOf: (output: Float32Array) => number,
  given: number,
): number {
  const classes = output.length / rows
  // There are no others to tell one from.
  if (classes < 2) return 0
  let entropy = -given
  for (let row = 0; row < rows; row++)
    entropy += entropyOf(output.subarray(row * classes, (row + 1) * classes))
  return entropy / rows / Math.log(classes)
}
