/**
 * Where a code's table is chosen by the codes beside it: rows of `rowLength` codes in each channel, and `reach` steps up and down that
 * are told apart. Whole numbers that the decoder has already read, so every machine chooses the same.
 */
export interface Neighbours {
  readonly rowLength: number
  readonly reach: number
}

/** Tables of one channel. */
export const contextsOf = (neighbours: Neighbours | undefined): number =>
  neighbours ? 2 * neighbours.reach + 1 : 1

/**
 * Which of them code `at` takes, counted in the whole tensor; its channel begins at `begin`. The sum of what the codes to its left and
 * above are beyond `middle`, at most `reach` either way; at the border the one that is there counts twice.
 */
export function contextAt(
  codes: Int32Array,
  at: number,
  begin: number,
  { rowLength, reach }: Neighbours,
  middle: number,
): number {
  const place = at - begin
  const left = place % rowLength === 0 ? undefined : codes[at - 1]! - middle
  const above = place < rowLength ? undefined : codes[at - rowLength]! - middle
  const sum = (left ?? above ?? 0) + (above ?? left ?? 0)
  return (sum > reach ? reach : sum < -reach ? -reach : sum) + reach
}

/** What is wrong with them, or nothing. */
export function neighboursFault({ rowLength, reach }: Neighbours): string | undefined {
  if (!(Number.isSafeInteger(rowLength) && rowLength >= 1))
    return `rowLength ${rowLength} is not a whole number from 1`
  if (!(Number.isSafeInteger(reach) && reach >= 1 && reach <= 16)) return `reach ${reach} is not 1 to 16`
  return undefined
}
