import { z } from 'zod'
import { policyError } from '../errors.ts'
import type { RoundProblemSpec } from './problems.ts'
import type { ComDdpgRecipe, ComDdpgStage } from './recipe.ts'

/** Largest number of servers, users and tasks that agents are trained for. */
const MOST = 1000
/** Widest network. */
export const MOST_UNITS = 512
/** Episodes of a training begin at a million times its seed, a thousand seeds further in each stage: so far no two share any. */
const EPISODES = 1_000_000
const HIGHEST_SEED = 999
const MOST_STAGES = 3

const count = z.int().min(1).max(100_000)
const few = z.int().min(1).max(MOST)
const units = z.int().min(1).max(MOST_UNITS)
const share = z.number().min(0).max(1)
const positive = z.number().positive()
const bounds = z
  .tuple([positive, positive])
  .refine(([low, high]) => low <= high, 'must be [low, high], the lower first')

const problem = z.discriminatedUnion('env', [
  z.strictObject({ env: z.literal('herding'), arrivalChance: positive.max(1).optional() }),
  z.strictObject({
    env: z.literal('dag'),
    users: few.optional(),
    servers: few.optional(),
    load: bounds.optional(),
    tasks: z.tuple([few, few]).optional(),
    meanCycles: positive.optional(),
    horizonS: positive.max(3600).optional(),
    publishEvery: few.optional(),
    divisible: share.optional(),
  }),
  z.strictObject({
    env: z.literal('graph'),
    tasks: z.union([few, z.tuple([few, few])]).optional(),
    servers: z.int().min(1).max(100).optional(),
    communicationRatio: bounds.optional(),
  }),
])

const rounds = { rounds: count, episodes: few, steps: count, rate: positive, memory: count }

const stage = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('imitation'),
      ...rounds,
      spread: positive,
      ratioLoss: positive.optional(),
    }),
    z.strictObject({
      kind: z.literal('ddpg'),
      ...rounds,
      options: z.strictObject({ discount: share, temperature: positive, actorRate: z.number().min(0) }),
      critic: units,
      exploration: z.number().min(0),
      ratioNoise: z.number().min(0).max(1).optional(),
      targetRate: share,
      criticRounds: z.int().min(0).max(100_000),
    }),
  ])
  .refine(
    ({ rounds, episodes }) => rounds * episodes <= EPISODES,
    `must play no more than ${EPISODES} episodes, rounds × episodes`,
  )

const schema = z
  .strictObject({
    problem,
    seed: z.int().min(0).max(HIGHEST_SEED),
    communication: z.enum(['bidirectional', 'attention', 'none']),
    hidden: units,
    message: units,
    heard: units,
    ratio: z.boolean(),
    sequences: z.int().min(1).max(4096),
    length: z.int().min(2).max(256),
    burnIn: z.int().min(0).max(255),
    messageLoss: share,
    stages: z.array(stage).min(1).max(MOST_STAGES),
  })
  .partial()
  .refine(({ length = 257, burnIn = 0 }) => burnIn < length, {
    path: ['burnIn'],
    message: 'must be below length',
  })

/** A recipe as files hold it. What is left out, whoever reads it decides. */
export type ComDdpgForm = Partial<ComDdpgRecipe>

/** Throws IsthmusError `BAD_RECIPE` that names the field. */
export function parseComDdpg(json: unknown): ComDdpgForm {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data as ComDdpgForm & { stages?: readonly ComDdpgStage[] }
  const issue = parsed.error.issues[0]!
  throw policyError('BAD_RECIPE', `recipe: ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
}

/** Form of what agents are trained for. */
export const roundProblemSchema = problem as unknown as z.ZodType<RoundProblemSpec>

/** Highest seed of a recipe. */
export const HIGHEST_COM_DDPG_SEED = HIGHEST_SEED
