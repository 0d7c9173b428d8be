import { policyError } from './errors.ts'

/** A fixed number, or the bounds that each episode or device draws from (uniformly). */
export type Drawn = number | readonly [low: number, high: number]

/** Checks for options. All throw IsthmusError `BAD_OPTION` that names `owner` and the field. */
export function optionChecks(owner: string) {
  const bad = (what: string) => policyError('BAD_OPTION', `${owner}: ${what}`)
  const within = (field: string, value: number, low: number, high: number): void => {
    if (typeof value === 'number' && value >= low && value <= high) return
    throw bad(`${field} is ${value}; it must be from ${low} to ${high}`)
  }
  return {
    bad,
    within,
    integer(field: string, value: number, low: number, high: number): void {
      within(field, value, low, high)
      if (!Number.isInteger(value)) throw bad(`${field} is ${value}, not a whole number`)
    },
    drawn(field: string, value: Drawn, low: number, high: number): void {
      if (typeof value === 'number') {
        within(field, value, low, high)
        return
      }
      if (!Array.isArray(value) || value.length !== 2 || !(value[0] <= value[1])) {
        throw bad(`${field} must be a number or [low, high], not ${JSON.stringify(value)}`)
      }
      for (const bound of value) within(field, bound, low, high)
    },
    oneOf(field: string, value: unknown, choices: readonly string[]): void {
      if (choices.includes(value as string)) return
      throw bad(`${field} is ${JSON.stringify(value)}; choose ${choices.join(' or ')}`)
    },
    list(field: string, value: readonly unknown[], least: number, most: number): void {
      if (Array.isArray(value) && value.length >= least && value.length <= most) return
      const count = Array.isArray(value) ? value.length : String(value)
      throw bad(`${field}: ${count}; ${least} to ${most} are possible`)
    },
    knownOnly(path: string, options: object, known: readonly string[]): void {
      if (typeof options !== 'object' || options === null) throw bad(`${path || 'options'} is ${options}`)
      for (const key of Object.keys(options)) {
        if (!known.includes(key)) throw bad(`there is no option "${path}${key}"`)
      }
    },
  }
}

/** The options that are not `undefined`. */
export function given<T extends object>(options: T): Partial<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<T>
}

/** Largest value that a drawn one can have. */
export function largest(value: Drawn): number {
  return typeof value === 'number' ? value : value[1]
}
