import { IsthmusError } from '@isthmus/proto'
import { type Command, type Output, usageError } from './command.ts'

/** A program of subcommands. */
export interface Program {
  /** As it is called, such as `isthmus-models`. */
  readonly name: string
  /** What it is for, in one line. */
  readonly purpose: string
  /** In the order in which a newcomer needs them. */
  readonly commands: readonly Command[]
  /** Lines to copy for a start. */
  readonly start: string
  /** More to say about errors, by their code. */
  readonly hints?: Readonly<Record<string, string>>
}

const helpOf = ({ name, purpose, commands, start }: Program): string => {
  const width = Math.max(...commands.map((command) => command.name.length))
  return `${name}: ${purpose}

${commands.map((command) => `  ${command.name.padEnd(width)} ${command.summary}`).join('\n')}

  ${name} COMMAND --help explains one of them, with examples.

${start}`
}

const isUsage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(BAD_USAGE|ERR_PARSE_ARGS)/.test(String(error.code))

/** Something about the files or the disk: the system's own words, which name the path. */
const isSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error

/** Runs a command line. Exit codes: 0 done, 1 failed, 2 wrong usage; what failed is said in one line. */
export async function runProgram(program: Program, args: readonly string[], output: Output): Promise<number> {
  const { name: called, commands, hints = {} } = program
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    output.print(helpOf(program))
    return name === undefined ? 2 : 0
  }
  const command = commands.find((entry) => entry.name === name)
  try {
    if (!command) {
      throw usageError(`No command "${name}". There are: ${commands.map((entry) => entry.name).join(', ')}.`)
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      output.print(typeof command.help === 'string' ? command.help : command.help(rest))
      return 0
    }
    return await command.run(rest, output)
  } catch (error) {
    if (isUsage(error)) {
      const pointer = command ? `${called} ${command.name} --help` : `${called} --help`
      output.warn(`${called}: ${oneLine((error as Error).message)} (${pointer})`)
      return 2
    }
    if (!(error instanceof IsthmusError || isSystem(error))) throw error
    const hint = 'code' in error ? hints[String(error.code)] : undefined
    output.warn(`${called}: ${oneLine(error.message)}${hint === undefined ? '' : ` ${hint}`}`)
    return 1
  }
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim()
