/** Number of single-character edits between two words (Levenshtein). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The candidate that a mistyped word most likely means. */
export function nearest(word: string, candidates: readonly string[]): string {
  const typed = word.toLowerCase()
  const distances = candidates.map((candidate) => editDistance(typed, candidate.toLowerCase()))
  return candidates[distances.indexOf(Math.min(...distances))]!
}
