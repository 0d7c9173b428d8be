import { IsthmusError } from '@isthmus/proto'

/** Where a command writes: results to `print`, notes and warnings to `warn`, each one line or more. */
export interface Output {
  print(text: string): void
  warn(text: string): void
  /** Called while something takes long: `done` of `total` parts of `what`; `note` says how it goes. */
  progress?(what: string, done: number, total: number, note?: string): void
}

/** One subcommand of a program. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What `--help` prints: usage, options, and examples that can be copied; of what the other words of the line name, where there is more. */
  readonly help: string | ((args: readonly string[]) => string)
  /** Does the work and gives the exit code: 0 done, 1 not as promised. Wrong usage is thrown as BAD_USAGE. */
  run(args: readonly string[], output: Output): Promise<number>
}

/** The command line is wrong: exit code 2, and a pointer to --help. */
export const usageError = (message: string, cause?: unknown): IsthmusError =>
  new IsthmusError('BAD_USAGE', message, { cause })

/** Exactly one file on the command line. */
export function oneFile(positionals: readonly string[], what = 'model'): string {
  const [file, second] = positionals
  if (file === undefined) throw usageError(`Name the ${what}.`)
  if (second !== undefined) throw usageError(`One ${what} at a time: what is "${second}"?`)
  return file
}
