/** Edits (insert, delete, replace) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The names most like `wanted`, best first: those that contain it, then those that differ least. */
export function nearestNames(wanted: string, names: Iterable<string>, count = 3): string[] {
  const key = wanted.slice(0, 200).toLowerCase()
  return Array.from(names, (name) => {
    const other = name.slice(0, 200).toLowerCase()
    return { name, distance: editDistance(key, other) - (other.includes(key) ? key.length : 0) }
  })
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name)
}
