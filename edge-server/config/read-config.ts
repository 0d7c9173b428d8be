import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { edgeError } from '../errors.ts'
import { nearest } from './nearest.ts'
import { configSchema, type EdgeConfig } from './schema.ts'

interface Property {
  readonly type?: string
  readonly anyOf?: readonly { readonly type?: string }[]
  readonly description?: string
  readonly default?: unknown
}

const properties = z.toJSONSchema(configSchema, { io: 'input' }).properties as Record<string, Property>

/** Every setting: its name in each place, what it means, and its default. */
export const settings = Object.entries(properties).map(([key, property]) => {
  const types = (property.anyOf ?? [property]).map((option) => option.type)
  return {
    key,
    flag: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    env: `ISTHMUS_EDGE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
    numeric: types.includes('integer') || types.includes('number'),
    fileOnly: types.includes('object'),
    help: property.description ?? '',
    default: property.default,
  }
})
type Setting = (typeof settings)[number]

const ENV_PREFIX = 'ISTHMUS_EDGE_'
const CONFIG_ENV = 'ISTHMUS_EDGE_CONFIG'
const actions = ['help', 'print-config', 'version'] as const

/** What the command line asks for. */
export interface Command {
  readonly action: 'run' | (typeof actions)[number]
  readonly config: EdgeConfig
}

/**
 * Merges defaults, file, environment and flags, the later over the earlier. Throws `BAD_CONFIG`, one line that names
 * the setting and where it was read.
 */
export function readCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const flags = readFlags(argv)
  if (flags.action === 'help' || flags.action === 'version') {
    return { action: flags.action, config: configSchema.parse({}) }
  }
  const file = flags.config ?? env[CONFIG_ENV]
  const fromFile = file === undefined ? {} : readConfigFile(file)
  const fromEnvironment = readEnvironment(env)
  checkConfig(fromEnvironment, 'the environment')
  checkConfig(flags.values, 'the command line')
  const config = checkConfig({ ...fromFile, ...fromEnvironment, ...flags.values }, 'the settings')
  return { action: flags.action, config }
}

/** Fills in defaults and checks. Throws `BAD_CONFIG` naming the first setting that is wrong. */
export function checkConfig(values: unknown, source: string): EdgeConfig {
  const checked = configSchema.safeParse(values)
  if (checked.success) return checked.data
  const issue = checked.error.issues[0]!
  if (issue.code === 'unrecognized_keys')
    throw unknown(
      issue.keys[0]!,
      source,
      settings.map(({ key }) => key),
    )
  const path = issue.path.join('.')
  const inner = issue.code === 'invalid_key' ? issue.issues[0] : undefined
  const problem = (inner ?? issue).message.replace(/^Invalid input: /, '')
  throw edgeError('BAD_CONFIG', `In ${source}, ${path === '' ? 'the whole' : path}: ${problem}`)
}

function readConfigFile(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw edgeError('BAD_CONFIG', `The configuration ${file} cannot be read (${reason(error)})`, error)
  }
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (error) {
    throw edgeError('BAD_CONFIG', `The configuration ${file} is not JSON (${reason(error)})`, error)
  }
  checkConfig(values, file)
  return values as Record<string, unknown>
}

function readEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || name === CONFIG_ENV || text === undefined) continue
    const setting = settings.find((known) => known.env === name && !known.fileOnly)
    const names = settings.filter((known) => !known.fileOnly).map((known) => known.env)
    if (!setting) throw unknown(name, 'the environment', [...names, CONFIG_ENV])
    values[setting.key] = typed(setting, text)
  }
  return values
}

function readFlags(argv: readonly string[]) {
  const known = settings.filter(({ fileOnly }) => !fileOnly)
  const names = [...known.map(({ flag }) => flag), 'config', ...actions]
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(
        [...known.map(({ flag }) => flag), 'config'].map((name) => [name, { type: 'string' as const }]),
      ),
      ...Object.fromEntries(actions.map((name) => [name, { type: 'boolean' as const }])),
    },
    strict: false,
    tokens: true,
  })
  const values: Record<string, unknown> = {}
  let config: string | undefined
  let action: Command['action'] = 'run'
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      throw edgeError('BAD_CONFIG', `"${token.value}" is not a flag`)
    }
    const name = token.name === 'h' ? 'help' : token.name
    if (!names.includes(name))
      throw unknown(
        token.rawName,
        'the command line',
        names.map((flag) => `--${flag}`),
      )
    const asked = actions.find((word) => word === name)
    if (asked) {
      action = action === 'help' ? action : asked
    } else if (token.value === undefined || token.value === '') {
      throw edgeError('BAD_CONFIG', `--${name} needs a value`)
    } else if (name === 'config') {
      config = token.value
    } else {
      const setting = known.find(({ flag }) => flag === name)!
      values[setting.key] = typed(setting, token.value)
    }
  }
  return { action, config, values }
}

/** Text that does not read as a number stays text: the schema then says what it wants. */
const typed = (setting: Setting, text: string): unknown =>
  setting.numeric && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text

const unknown = (name: string, source: string, candidates: readonly string[]) =>
  edgeError(
    'BAD_CONFIG',
    `In ${source}, "${name}" is not a setting; did you mean "${nearest(name, candidates)}"?`,
  )

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))
