import { z } from 'zod'
import { policyError } from '../../errors.ts'
import type { Stage } from './recipe.ts'

/** A problem as files hold it: links by their files' names and hashes. */
export type ProblemForm =
  | {
      readonly env: 'mec'
      readonly edges?: readonly number[]
      readonly judged?: readonly number[]
      readonly system?: Readonly<Record<string, unknown>>
    }
  | {
      readonly env: 'split'
      readonly traces?: readonly TraceForm[]
      readonly system?: Readonly<Record<string, unknown>>
    }

/** A recorded link that was trained on. */
export interface TraceForm {
  readonly file: string
  readonly sha256: string
}

/** A recipe as files hold it. What is left out, whoever reads it decides. */
export interface RecipeForm {
  readonly problem?: ProblemForm
  readonly seed?: number
  readonly hidden: number
  readonly stages: readonly Stage[]
}

const count = z.int().min(1).max(1_000_000_000)
const whole = z.int().min(0).max(1_000_000_000)
const share = z.number().min(0).max(1)
const positive = z.number().positive()
const edges = z.array(z.int().min(1).max(255)).min(1)
const system = z.record(z.string(), z.unknown())

const rounds = {
  rounds: count,
  episodes: count,
  steps: count,
  batch: z.int().min(1).max(65_536),
  rate: positive,
  memory: count,
  spread: positive.max(4).optional(),
}

const playing = {
  discount: share,
  relabelled: share,
  targetRate: share,
  wandering: share.optional(),
}

const stages = {
  imitation: z.strictObject({
    kind: z.literal('imitation'),
    ...rounds,
    base: z.enum(['rule', 'self']),
    tried: z.int().min(2).max(256).optional(),
    closerThan: positive.optional(),
    wild: positive.optional(),
    ahead: whole,
    futures: count,
  }),
  sac: z.strictObject({
    kind: z.literal('sac'),
    ...rounds,
    sac: z.strictObject({
      temperature: positive,
      entropyTarget: share.optional(),
      targets: z.enum(['lowest', 'average']),
      clip: positive.optional(),
      actorRate: z.number().min(0),
    }),
    ...playing,
    criticRounds: whole,
  }),
  envelope: z.strictObject({
    kind: z.literal('envelope'),
    ...rounds,
    ...playing,
    preferences: z.int().min(1).max(64),
    homotopy: share,
    temperature: positive,
  }),
} satisfies Record<Stage['kind'], z.ZodType>

const schema = z.strictObject({
  problem: z
    .discriminatedUnion('env', [
      z.strictObject({
        env: z.literal('mec'),
        edges: edges.optional(),
        judged: edges.optional(),
        system: system.optional(),
      }),
      z.strictObject({
        env: z.literal('split'),
        traces: z
          .array(z.strictObject({ file: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
          .optional(),
        system: system.optional(),
      }),
    ])
    .optional(),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  hidden: z.int().min(1).max(4096),
  stages: z.array(z.discriminatedUnion('kind', [stages.imitation, stages.sac, stages.envelope])).min(1),
})

/** Throws IsthmusError `BAD_RECIPE` that names the field. */
export function parseRecipe(json: unknown): RecipeForm {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data as RecipeForm
  const issue = parsed.error.issues[0]!
  throw policyError('BAD_RECIPE', `recipe: ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
}
