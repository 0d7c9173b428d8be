import { IsthmusError } from '@isthmus/proto'
import { bottleneckCommand } from './bottleneck-command.ts'
import { breakevenCommand } from './breakeven-command.ts'
import { type Command, type Output, usageError } from './command.ts'
import { cutCommand } from './cut-command.ts'
import { inspectCommand } from './inspect-command.ts'
import { packCommand } from './pack-command.ts'
import { verifyCommand } from './verify-command.ts'

/** All subcommands, in the order in which a newcomer needs them. */
const commands: readonly Command[] = [
  inspectCommand,
  cutCommand,
  bottleneckCommand,
  packCommand,
  verifyCommand,
  breakevenCommand,
]

const help = `isthmus-models: read, cut and package ONNX models for split computing

${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

  isthmus-models COMMAND --help explains one of them, with examples.

Start with a model of your own:
  isthmus-models inspect net.onnx
  isthmus-models pack net.onnx --at TENSOR --labels labels.txt --scale imagenet --photos ./photos`

const isUsage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(BAD_USAGE|ERR_PARSE_ARGS)/.test(String(error.code))

/** Something about the files or the disk: the system's own words, which name the path. */
const isSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error

/** Runs a command line. Exit codes: 0 done, 1 failed, 2 wrong usage; what failed is said in one line. */
export async function runCli(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    output.print(help)
    return name === undefined ? 2 : 0
  }
  const command = commands.find((entry) => entry.name === name)
  try {
    if (!command) {
      throw usageError(`No command "${name}". There are: ${commands.map((entry) => entry.name).join(', ')}.`)
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      output.print(command.help)
      return 0
    }
    return await command.run(rest, output)
  } catch (error) {
    if (isUsage(error)) {
      const pointer = command ? `isthmus-models ${command.name} --help` : 'isthmus-models --help'
      output.warn(`isthmus-models: ${oneLine((error as Error).message)} (${pointer})`)
      return 2
    }
    if (!(error instanceof IsthmusError || isSystem(error))) throw error
    const hint = 'code' in error && error.code === 'BAD_INPUT' ? ' Use --shape NAME=1x3x224x224.' : ''
    output.warn(`isthmus-models: ${oneLine(error.message)}${hint}`)
    return 1
  }
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim()
