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

const rounds = { rounds: 2, episodes: 1, steps: 2, memory: 8 }

/** Two stages of next to nothing for two users and two servers. */
export const tinyComDdpg = {
  problem: { env: 'dag', users: 2, servers: 2, horizonS: 1 },
  seed: 3,
  communication: 'bidirectional',
  hidden: 4,
  message: 2,
  heard: 2,
  sequences: 2,
  length: 4,
  burnIn: 1,
  messageLoss: 0.5,
  stages: [
    { kind: 'imitation', ...rounds, rate: 0.005, spread: 0.05 },
    {
      kind: 'ddpg',
      ...rounds,
      rate: 0.002,
      options: { discount: 0.9, temperature: 1, actorRate: 0.05 },
      critic: 4,
      exploration: 0.5,
      targetRate: 0.01,
      criticRounds: 1,
    },
  ],
}
