import { z } from 'zod'
import { policyError } from '../errors.ts'
import { type ActorShape, actorDims, lengthOf } from './actor-shape.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { GRAPH_ROW, GRAPH_ROWS } from './graph-rows.ts'
import { OFFLOAD_ROWS, ROW } from './offload-rows.ts'

const width = z.int().min(1).max(512)
const finite = z.number().refine(Number.isFinite, 'must be finite')

const schema = z.strictObject({
  format: z.literal('isthmus-agents/1'),
  name: z.string().min(1).max(200),
  /** Version of the rows that the agents read. */
  rows: z.string(),
  shape: z.strictObject({
    row: width,
    hidden: width,
    message: width,
    heard: width,
    communication: z.enum(['bidirectional', 'attention', 'none']),
  }),
  weights: z.strictObject({
    file: z.string().regex(/^[\w-][\w.-]*\.f32$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** How they were trained: the recipe as plain data, the time, and what it ran on. */
  training: z.strictObject({ recipe: z.unknown(), minutes: finite, machine: z.string() }),
})

/** What is known of trained agents beside their weights. */
export type AgentsManifest = z.infer<typeof schema>

const rowsKnown: Readonly<Record<string, number>> = { [OFFLOAD_ROWS]: ROW, [GRAPH_ROWS]: GRAPH_ROW }

/** Throws IsthmusError `BAD_POLICY` that names the field, `POLICY_VERSION` for rows that this Isthmus does not write. */
export function parseAgentsManifest(json: unknown): AgentsManifest {
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw policyError('BAD_POLICY', `manifest: ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
  }
  const { rows, shape } = parsed.data
  const row = Object.hasOwn(rowsKnown, rows) ? rowsKnown[rows] : undefined
  if (row === undefined) {
    throw policyError(
      'POLICY_VERSION',
      `manifest: rows are ${rows}; known are ${Object.keys(rowsKnown).join(', ')}`,
    )
  }
  if (shape.row !== row) {
    throw policyError('BAD_POLICY', `manifest: shape.row is ${shape.row}, but ${rows} have ${row} numbers`)
  }
  return parsed.data
}

/** All weights one after the other, float32 little-endian, in the order of their names in {@link actorDims}. */
export function agentsBytes({ shape, weights }: AgentsNetwork): Uint8Array {
  const parts = Object.keys(actorDims(shape)).map((name) => weights.get(name)!)
  const bytes = new Uint8Array(4 * parts.reduce((sum, { length }) => sum + length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    for (const value of part) {
      view.setFloat32(at, value, true)
      at += 4
    }
  }
  return bytes
}

/** The other way. Throws IsthmusError `BAD_POLICY` for bytes that are too few, too many, or no finite numbers. */
export function agentsOf(bytes: Uint8Array, shape: ActorShape): AgentsNetwork {
  const dims = Object.entries(actorDims(shape))
  const count = dims.reduce((sum, [, of]) => sum + lengthOf(of), 0)
  if (bytes.byteLength !== 4 * count) {
    throw policyError(
      'BAD_POLICY',
      `weights: ${bytes.byteLength} bytes, but the shape has ${count} numbers of four`,
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const weights = new Map<string, Float32Array>()
  let at = 0
  for (const [name, of] of dims) {
    const values = new Float32Array(lengthOf(of))
    for (let k = 0; k < values.length; k++, at += 4) values[k] = view.getFloat32(at, true)
    if (!values.every(Number.isFinite)) throw policyError('BAD_POLICY', `weights: ${name} is not finite`)
    weights.set(name, values)
  }
  return { shape, weights }
}
