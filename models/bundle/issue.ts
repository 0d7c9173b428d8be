import type { z } from 'zod'
import { knownKeys } from './schema.ts'

/** The least number of letters to insert, delete or replace to get from one word to the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

function nearestKey(key: string, known: readonly string[]): string | undefined {
  const word = key.slice(0, 40).toLowerCase()
  const distances = known.map((one) => ({ one, distance: editDistance(word, one.toLowerCase()) }))
  const nearest = distances.reduce((a, b) => (b.distance < a.distance ? b : a))
  return nearest.distance <= 2 ? nearest.one : undefined
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (so, key) =>
      typeof key === 'number' ? `${so}[${key}]` : so === '' ? String(key) : `${so}.${String(key)}`,
    '',
  )

/** One fault as `path: what is wrong`; for an unknown key with the one of `known` that it resembles, by default of the bundle's. */
export function describeIssue(issue: z.core.$ZodIssue, known: readonly string[] = knownKeys): string {
  const path = pathOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const meant = nearestKey(key, known)
    const where = pathOf([...issue.path, key.slice(0, 60)])
    return `${where}: unknown key${meant ? `, did you mean '${meant}'?` : ''}`
  }
  return `${path || 'manifest'}: ${issue.message}`
}
