import { z } from 'zod'
import { policyError } from '../../errors.ts'

const finite = z.number().refine(Number.isFinite, 'must be finite')
const sizes = z.int().min(1).max(4096)

/** Lowest and highest value of each number that the network saw in training. */
const rangeSchema = z.strictObject({ low: z.array(finite), high: z.array(finite) })

const schema = z.strictObject({
  format: z.literal('isthmus-policy/1'),
  name: z.string().min(1),
  /** Form of the numbers, and of the observations that they are made from. */
  encoding: z.string(),
  observation: z.string(),
  objectives: z.array(z.string()).min(2).max(8),
  shape: z.strictObject({
    rowLength: sizes,
    contextLength: sizes,
    hidden: sizes,
    outputs: z.int().min(1).max(8),
  }),
  model: z.strictObject({
    file: z.string().regex(/^[\w.-]+\.onnx$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  seen: z.strictObject({ rows: rangeSchema, context: rangeSchema }),
  /** How it was trained: the recipe as plain data, the time, and what it ran on. */
  training: z.strictObject({
    recipe: z.unknown(),
    minutes: finite,
    machine: z.string(),
  }),
})

/** What is known of a trained policy beside its weights. */
export type PolicyManifest = z.infer<typeof schema>

/** Lowest and highest value of each number. */
export type FeatureRange = z.infer<typeof rangeSchema>

/** Throws IsthmusError `BAD_POLICY` that names the field. */
export function parsePolicyManifest(json: unknown): PolicyManifest {
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw policyError('BAD_POLICY', `manifest: ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
  }
  const { shape, seen } = parsed.data
  for (const [part, length] of [
    ['rows', shape.rowLength],
    ['context', shape.contextLength],
  ] as const) {
    const { low, high } = seen[part]
    if (low.length !== length || high.length !== length) {
      throw policyError(
        'BAD_POLICY',
        `manifest: seen.${part} has ${low.length} and ${high.length} values, not ${length}`,
      )
    }
  }
  return parsed.data
}
