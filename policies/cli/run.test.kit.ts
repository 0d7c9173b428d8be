import { type Output, runProgram } from '@isthmus/models/cli'
import { program } from './program.ts'

/** Runs a command line in this process. */
export async function cli(args: readonly string[], progress?: Output['progress']) {
  const printed: string[] = []
  const warned: string[] = []
  const code = await runProgram(program, args, {
    print: (text) => printed.push(text),
    warn: (text) => warned.push(text),
    ...(progress && { progress }),
  })
  return { code, out: printed.join('\n'), err: warned.join('\n') }
}

const stage = {
  kind: 'imitation',
  rounds: 2,
  episodes: 4,
  steps: 3,
  batch: 16,
  rate: 0.002,
  memory: 1000,
  ahead: 4,
  futures: 1,
}

/** Two stages of next to nothing. */
export const tinyRecipe = {
  problem: { env: 'mec', edges: [1, 2], judged: [2], system: { slots: 8 } },
  seed: 3,
  hidden: 6,
  stages: [
    { ...stage, base: 'rule' },
    { ...stage, base: 'self' },
  ],
}
