import { parseArgs } from 'node:util'
import { oneFile, usageError, whole } from '@isthmus/models/cli'
import { FIRST_SEED, twoOrMore } from './evaluate-front-options.ts'

/** Options of `evaluate` for agents, for parseArgs. */
export const evaluateAgentsOptions = {
  episodes: { type: 'string', default: '20' },
  'first-seed': { type: 'string', default: FIRST_SEED },
  users: { type: 'string' },
  servers: { type: 'string' },
  'message-loss': { type: 'string', default: '0.3' },
  json: { type: 'boolean', default: false },
} as const

/** What was asked of `isthmus-policies evaluate` with agents. */
export interface EvaluateAgentsOptions {
  readonly folder: string
  readonly episodes: number
  readonly firstSeed: number
  readonly users: string | undefined
  readonly servers: string | undefined
  readonly messageLoss: number
  readonly json: boolean
}

/** Throws BAD_USAGE for anything that is missing or not of its form. */
export function readEvaluateAgentsOptions(args: readonly string[]): EvaluateAgentsOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: evaluateAgentsOptions,
  })
  return {
    folder: oneFile(positionals, "agents' folder"),
    episodes: twoOrMore('episodes', values.episodes, 1_000_000),
    firstSeed: whole('first-seed', values['first-seed'], 2 ** 52),
    users: values.users,
    servers: values.servers,
    messageLoss: shareOf('message-loss', values['message-loss']),
    json: values.json,
  }
}

function shareOf(option: string, text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share > 0 && share < 1) return share
  throw usageError(`--${option} ${text}: give a share between 0 and 1, such as 0.3.`)
}
