#!/usr/bin/env node
import { progressOn } from './progress.ts'
import { runCli } from './run.ts'

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

process.exitCode = await runCli(process.argv.slice(2), {
  print: afterProgress(process.stdout),
  warn: afterProgress(process.stderr),
  progress: progress.report,
})
