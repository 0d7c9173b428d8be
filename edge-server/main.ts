import { IsthmusError } from '@isthmus/proto'
import { helpText, printableConfig } from './config/help.ts'
import { readCommand } from './config/read-config.ts'
import { startEdge } from './server.ts'
import { softwareVersion } from './software.ts'

const BAD_USAGE = 2

async function main(): Promise<void> {
  const { action, config } = readCommand(process.argv.slice(2), process.env)
  if (action === 'help') return print(helpText())
  if (action === 'version') return print(`${softwareVersion}\n`)
  if (action === 'print-config') return print(`${printableConfig(config)}\n`)

  const starting = startEdge(config)
  let stopping = false
  const stop = () => {
    // Who asks twice does not want to wait.
    if (stopping) process.exit(1)
    stopping = true
    starting.then((server) => server.close()).then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await starting
}

function print(text: string): void {
  process.stdout.write(text)
}

function fail(error: unknown): void {
  // What is expected to go wrong is one line that says what to do; the rest is a bug and shows where.
  const expected = error instanceof IsthmusError
  process.stderr.write(`isthmus-edge: ${expected ? error.message : (error as Error)?.stack}\n`)
  process.exit(expected && error.code === 'BAD_CONFIG' ? BAD_USAGE : 1)
}

main().catch(fail)
