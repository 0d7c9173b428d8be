import { readFile } from 'node:fs/promises'
import type { Output } from '@isthmus/models/cli'
import { usageError } from '@isthmus/models/cli'
import { policyError } from '../errors.ts'

/** Something that `isthmus-policies train NAME` trains. */
export interface Learner {
  readonly name: string
  /** One line for the list of learners. */
  readonly summary: string
  readonly help: string
  /** Its options, for parseArgs. */
  readonly options: Readonly<Record<string, { type: 'string' | 'boolean'; multiple?: boolean }>>
  /** As a command's; the line begins with whatever it begins with, the learner's name included. */
  run(args: readonly string[], output: Output): Promise<number>
}

/** Options that every learner has. */
export const learnerOptions = {
  env: { type: 'string' },
  out: { type: 'string' },
  seed: { type: 'string' },
  quick: { type: 'boolean', default: false },
  recipe: { type: 'string' },
} as const

/** Throws BAD_USAGE for a line that says none or too much of them; returns the folder. */
export function checkLearnerOptions(
  [, more]: readonly string[],
  { out, quick, recipe }: { out?: string; quick: boolean; recipe?: string },
): string {
  if (more !== undefined) throw usageError(`What is "${more}"?`)
  if (out === undefined) throw usageError('Say where the policy goes: --out DIR.')
  if (quick && recipe !== undefined) throw usageError('Not both --quick and --recipe.')
  return out
}

/** The value of `--seed`. */
export function seedOf(text: string, most = Number.MAX_SAFE_INTEGER): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && seed <= most) return seed
  const bound = most < Number.MAX_SAFE_INTEGER ? ` from 0 to ${most}` : ''
  throw usageError(`--seed ${text} is not a whole number${bound}.`)
}

/** Reads the value of `--recipe`. Throws IsthmusError `BAD_RECIPE` for a file that holds no JSON. */
export async function recipeJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw policyError('BAD_RECIPE', `recipe: ${file} holds no JSON: ${(error as Error).message}`)
  }
}
