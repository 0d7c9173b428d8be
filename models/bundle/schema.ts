import { z } from 'zod'
import { exitSchema, filterSchema } from './gates.ts'
import type { Manifest } from './manifest.ts'
import { count, fraction, modelFile, text } from './schema-values.ts'
import { taskKeys, tasksSchema } from './tasks.ts'

const dim = z.int().positive()

const quantizer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('affine-static'),
    bits: z.int(),
    scale: z.number(),
    zeroPoint: z.int(),
  }),
  z.strictObject({ kind: z.literal('affine-dynamic'), bits: z.int() }),
  z.strictObject({
    kind: z.literal('entropy'),
    bits: z.int(),
    scale: z.number(),
    zeroPoint: z.int(),
    tables: z
      .array(z.strictObject({ first: z.int(), frequencies: z.array(z.int()).max(4096) }))
      .min(1)
      .max(4096),
    neighbours: z
      .strictObject({
        rowLength: z.int(),
        reach: z.int(),
        weights: z.array(z.array(z.int()).max(256)).max(4096),
      })
      .optional(),
    gains: z.array(z.number()).max(4096).optional(),
    inverseGains: z.array(z.number()).max(4096).optional(),
    mostBytes: z.int().optional(),
  }),
])

const modeFields = {
  id: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  name: text,
  accuracy: fraction.optional(),
  payloadBytes: count,
  headMacs: count,
  tailMacs: count,
}

const mode = z.discriminatedUnion('route', [
  z.strictObject({ ...modeFields, route: z.literal('local') }),
  z.strictObject({
    ...modeFields,
    route: z.literal('split'),
    quantizer,
    head: z.enum(['head', 'narrowHead']).optional(),
  }),
  z.strictObject({
    ...modeFields,
    route: z.literal('edge'),
    image: z.strictObject({
      codec: z.enum(['raw', 'png', 'jpeg', 'webp']),
      quality: z.int().min(1).max(100).optional(),
    }),
  }),
])

const input = z.strictObject({
  name: text,
  dims: z.tuple([dim, dim, dim]),
  layout: z.enum(['NCHW', 'NHWC']),
  mean: z.array(z.number()).max(16),
  std: z.array(z.number().positive()).max(16),
  fit: z.enum(['cover', 'fill']),
})

const dims = z.array(dim).max(8)

const models = z.strictObject({
  local: modelFile.optional(),
  head: modelFile.optional(),
  narrowHead: modelFile.optional(),
  tail: modelFile.optional(),
  full: modelFile.optional(),
  filter: modelFile.optional(),
  exit: modelFile.optional(),
})

/** The shape of manifest.json; what one field demands of another is in consistency.ts. */
export const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  format: z.literal(1),
  name: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'must be 1 to 64 letters, digits, _ . and -'),
  version: z
    .string()
    .max(64)
    .regex(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[\w.-]+)?(\+[\w.-]+)?$/, 'must be a semantic version'),
  task: z.literal('classification'),
  labels: z.array(text).min(1).max(100_000),
  input,
  output: z.strictObject({ name: text, dims, kind: z.enum(['logits', 'probabilities']) }),
  latent: z.strictObject({ name: text, dims }).optional(),
  models,
  modes: z.array(mode).min(1).max(256),
  filter: filterSchema.optional(),
  exit: exitSchema.optional(),
  tasks: tasksSchema.optional(),
  measuredOn: text.optional(),
  recipe: z.record(text, z.union([z.string().max(1000), z.number()])).optional(),
})

/** Every key that means something somewhere in a manifest. */
export const knownKeys: readonly string[] = [
  ...['format', 'name', 'version', 'task', 'labels', 'input', 'output', 'latent', 'models', 'modes', 'tasks'],
  ...['measuredOn', 'recipe', 'dims', 'layout', 'mean', 'std', 'fit', 'kind'],
  ...Object.keys(models.shape),
  ...Object.keys(modelFile.shape),
  ...Object.keys(modeFields),
  ...['route', 'quantizer', 'image', 'bits', 'scale', 'zeroPoint', 'codec', 'quality', 'tables'],
  ...['neighbours', 'rowLength', 'reach', 'weights'],
  ...['first', 'frequencies', 'gains', 'inverseGains', 'mostBytes'],
  ...taskKeys,
  ...Object.keys(filterSchema.shape),
  ...Object.keys(exitSchema.shape),
  ...Object.keys(filterSchema.shape.points.element.shape),
  ...Object.keys(exitSchema.shape.points.element.shape),
]
