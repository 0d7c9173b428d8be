import { type Program, runProgram } from './program.ts'
import { progressOn } from './progress.ts'

/** Runs a program on this process's command line, streams and exit code: all that its `main.ts` does. */
export async function runOnTerminal(program: Program): Promise<void> {
  // A reader that has seen enough (`| head`) closes the pipe: no reason to complain.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  const progress = progressOn(process.stderr)
  const afterProgress = (stream: NodeJS.WritableStream) => (text: string) => {
    progress.stop()
    stream.write(`${text}\n`)
  }
  process.exitCode = await runProgram(program, process.argv.slice(2), {
    print: afterProgress(process.stdout),
    warn: afterProgress(process.stderr),
    progress: progress.report,
  })
}
