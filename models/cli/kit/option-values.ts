import { usageError } from './command.ts'

/** The value of an option that takes one of a few words. */
export function oneOf<const T extends string>(option: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === value)
  if (choice !== undefined) return choice
  throw usageError(`--${option} ${value}: choose ${choices.join(' or ')}.`)
}

/** The value of an option that takes a whole number from 1 to `most`. */
export function whole(option: string, value: string, most: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= 1 && number <= most) return number
  throw usageError(`--${option} ${value} is not a whole number from 1 to ${most}.`)
}
