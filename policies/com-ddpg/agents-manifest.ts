import { z } from 'zod'
import { OFFLOAD_OBSERVATION } from '../env/index.ts'
import { policyError } from '../errors.ts'
import type { ActorShape } from './actor-shape.ts'
import { GRAPH_ROW, GRAPH_ROWS } from './graph-rows.ts'
import { DIVISION_ROW, DIVISION_ROWS, OFFLOAD_ROWS, ROW } from './offload-rows.ts'
import type { RoundProblemSpec } from './problems.ts'
import { isDivisible } from './recipe.ts'
import { MOST_UNITS, roundProblemSchema } from './recipe-form.ts'

/** What agents of each environment read: the form of their rows, a row's length, and of the observations that rows are made from. */
const SIGHTS: Record<RoundProblemSpec['env'], AgentsSight> = {
  herding: { rows: OFFLOAD_ROWS, row: ROW, observation: OFFLOAD_OBSERVATION },
  dag: { rows: OFFLOAD_ROWS, row: ROW, observation: OFFLOAD_OBSERVATION },
  // Of a plan that is being made, which has no observation beside it.
  graph: { rows: GRAPH_ROWS, row: GRAPH_ROW, observation: 'none' },
}

/** Versions of what agents read. */
export interface AgentsSight {
  readonly rows: string
  readonly row: number
  readonly observation: string
}

const DIVISION_SIGHT: AgentsSight = {
  rows: DIVISION_ROWS,
  row: DIVISION_ROW,
  observation: OFFLOAD_OBSERVATION,
}

export const sightOf = (problem: RoundProblemSpec): AgentsSight =>
  isDivisible(problem) ? DIVISION_SIGHT : SIGHTS[problem.env]

const units = z.int().min(1).max(MOST_UNITS)

const schema = z.strictObject({
  format: z.literal('isthmus-agents/1'),
  name: z.string().min(1).max(200),
  rows: z.string().max(200),
  observation: z.string().max(200),
  shape: z.strictObject({
    row: units,
    hidden: units,
    message: units,
    heard: units,
    communication: z.enum(['bidirectional', 'attention', 'none']),
    ratio: z.literal(true).optional(),
  }),
  weights: z.strictObject({
    file: z.literal('agents.f32'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** How they were trained: the recipe as plain data, the time, and what it ran on. Of the recipe only the problem is read again. */
  training: z.strictObject({
    recipe: z.looseObject({ problem: roundProblemSchema }),
    minutes: z.number().min(0),
    machine: z.string().max(1000),
  }),
})

/** What is known of trained agents beside their weights. */
export type AgentsManifest = Omit<z.infer<typeof schema>, 'shape'> & { readonly shape: ActorShape }

/**
 * Throws IsthmusError `BAD_POLICY` that names the field, and `POLICY_VERSION` for agents that read what this Isthmus does not
 * write.
 */
export function parseAgentsManifest(json: unknown): AgentsManifest {
  checkVersion(json)
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw policyError('BAD_POLICY', `manifest: ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
  }
  const { rows, observation, shape, training } = parsed.data
  const sight = sightOf(training.recipe.problem)
  for (const [field, found, known] of [
    ['rows', rows, sight.rows],
    ['observation', observation, sight.observation],
  ] as const) {
    if (found === known) continue
    throw policyError(
      'POLICY_VERSION',
      `manifest: ${field}: the agents read ${found}; here agents for ${training.recipe.problem.env} read ${known}`,
    )
  }
  if (shape.ratio && !isDivisible(training.recipe.problem)) {
    throw policyError(
      'BAD_POLICY',
      'manifest: shape.ratio: the problem that the agents were trained for has no tasks that can be divided',
    )
  }
  if (shape.row === sight.row) return parsed.data as AgentsManifest
  throw policyError(
    'BAD_POLICY',
    `manifest: shape.row is ${shape.row}, but a row of ${rows} has ${sight.row} numbers`,
  )
}

/** Agents of another format are not damaged: another Isthmus reads them. */
function checkVersion(json: unknown): void {
  const { format } = (json ?? {}) as { format?: unknown }
  if (typeof format !== 'string' || !/^isthmus-agents\/\d{1,4}$/.test(format)) return
  if (format === 'isthmus-agents/1') return
  throw policyError('POLICY_VERSION', `manifest: format is ${format}; here there is isthmus-agents/1`)
}
