import { z } from 'zod'
import { describeIssue } from '../bundle/issue.ts'
import { pathBelow } from '../bundle/schema-values.ts'
import { pipelineError } from './errors.ts'
import { stageTypes, type TensorForm } from './tensor-form.ts'
import { type Wiring, wiringOf } from './wiring.ts'

/** Stages are named by the bits of a uint32 on the wire. */
export const MAX_STAGES = 32
/** Largest tensor, in bytes: what a device or a server might have to keep. */
export const MAX_TENSOR_BYTES = 64 * 2 ** 20

/** One model of a pipeline. */
export interface PipelineStage {
  readonly id: string
  /** Path of the ONNX file below the pipeline's folder. */
  readonly model: string
  /** What each input of the model is fed: `stageId.output` of another stage, or `input.name` of the pipeline. */
  readonly inputs: Readonly<Record<string, string>>
  /** What the model gives, found out by running it once. */
  readonly outputs: Readonly<Record<string, TensorForm>>
  /** Multiply-adds of a run, as given, or as counted in the model. */
  readonly macs: number
  /** Devices do not have the model: without a server there is no answer. */
  readonly serverOnly?: boolean | undefined
  /**
   * Its rows (first axis of all that it reads and makes) depend on nothing but themselves: a part of them may run on the server and the
   * rest on the device.
   */
  readonly divisible?: boolean | undefined
  /** Of a stage that is divisible, found out by running it: see {@link StageDivision}. */
  readonly leastRows?: number | undefined
}

/** What a pipeline says of itself, in `pipeline.json`; docs/pipelines.md explains every field. */
export interface PipelineManifest {
  readonly format: 1
  readonly name: string
  /** Semantic version. */
  readonly version: string
  readonly inputs: Readonly<Record<string, TensorForm>>
  readonly stages: readonly PipelineStage[]
  /** What the answer holds: name → `stageId.output`. */
  readonly outputs: Readonly<Record<string, string>>
  /** Tensors (`stageId.output` or `input.name`, float32) that cross with 8 bits an element. All others cross exactly. */
  readonly coded?: readonly string[] | undefined
  /** SHA-256 and length of each model file. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>
}

/** A manifest as a user writes it: what sealing finds out may be missing. */
export type PipelineDraft = Omit<PipelineManifest, 'format' | 'files' | 'stages' | 'inputs'> & {
  readonly format?: 1 | undefined
  readonly files?: PipelineManifest['files'] | undefined
  readonly inputs: Readonly<Record<string, Pick<TensorForm, 'dims'> & Partial<Pick<TensorForm, 'dtype'>>>>
  readonly stages: readonly (Omit<PipelineStage, 'outputs' | 'macs'> &
    Partial<Pick<PipelineStage, 'outputs' | 'macs'>>)[]
}

const word = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _')
const stageId = word.refine((id) => id !== 'input', "must not be 'input', which means the pipeline's own")
const tensorName = z.string().min(1).max(200)
const reference = z.string().min(3).max(265)

const modelPath = pathBelow('pipeline.json', 'must not be pipeline.json')

const form = z
  .strictObject({
    dtype: z.enum(stageTypes).default('float32'),
    dims: z
      .array(
        z
          .int()
          .positive()
          .max(2 ** 24),
      )
      .max(8),
  })
  .refine(
    ({ dims }) => dims.reduce((count, dim) => count * dim, 8) <= MAX_TENSOR_BYTES,
    `has more than ${MAX_TENSOR_BYTES / 8} elements`,
  )

const named = <Value extends z.ZodType>(key: z.ZodType<string, string>, value: Value, most: number) =>
  z.record(key, value).refine((all) => {
    const { length } = Object.keys(all)
    return length >= 1 && length <= most
  }, `must have 1 to ${most} entries`)

const fileSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits'),
  bytes: z
    .int()
    .positive()
    .max(2 ** 31 - 1),
})

const stageSchema = z.strictObject({
  id: stageId,
  model: modelPath,
  inputs: named(tensorName, reference, 16),
  outputs: named(tensorName, form, 16).optional(),
  macs: z.int().nonnegative().optional(),
  serverOnly: z.boolean().optional(),
  divisible: z.boolean().optional(),
  leastRows: z.int().positive().optional(),
})

const draftSchema = z.strictObject({
  format: z.literal(1).default(1),
  name: z.string().min(1).max(128),
  version: z
    .string()
    .max(128)
    .regex(/^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/, 'must be a semantic version such as 1.0.0'),
  inputs: named(word, form, 16),
  stages: z.array(stageSchema).min(1).max(MAX_STAGES),
  outputs: named(word, reference, 16),
  coded: z.array(reference).max(64).optional(),
  files: z.record(modelPath, fileSchema).optional(),
})

const knownKeys = [
  ...Object.keys(draftSchema.shape),
  ...Object.keys(stageSchema.shape),
  ...Object.keys(fileSchema.shape),
  ...['dtype', 'dims'],
]

/** A draft as the schema leaves it. */
export type CheckedDraft = z.output<typeof draftSchema>

/** Checks what a user has written; unknown keys are refused, the nearest known one is named. Throws `BAD_PIPELINE`. */
export function parseDraft(json: unknown): CheckedDraft {
  const result = draftSchema.safeParse(json)
  if (result.success) return result.data
  const faults = result.error.issues.slice(0, 5).map((issue) => describeIssue(issue, knownKeys))
  throw pipelineError('BAD_PIPELINE', `pipeline.json is not valid: ${faults.join('; ')}.`, result.error)
}

/**
 * Checks a sealed manifest: every field, that the fields agree with each other, and that the stages can run in some order.
 * Throws `BAD_PIPELINE`, `PIPELINE_NOT_SEALED`, `PIPELINE_CYCLE`, `PIPELINE_UNKNOWN_STAGE`, `PIPELINE_UNKNOWN_TENSOR`.
 */
export function parsePipeline(json: unknown): {
  readonly manifest: PipelineManifest
  readonly wiring: Wiring
} {
  const draft = parseDraft(json)
  const { files = {}, stages } = draft
  for (const { id, model, outputs, macs, divisible, leastRows } of stages) {
    const isTried = !divisible || leastRows !== undefined
    if (!Object.hasOwn(files, model) || outputs === undefined || macs === undefined || !isTried) {
      throw pipelineError('PIPELINE_NOT_SEALED', `Nothing is known of the model '${model}' of stage '${id}'.`)
    }
  }
  const manifest = { ...draft, files } as PipelineManifest
  return { manifest, wiring: wiringOf(manifest) }
}
