import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { TrainingState } from '../autodiff/index.ts'
import { modelError } from '../errors.ts'

/** A training run at rest: what is needed to go on as if it had never stopped. */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number
  /** Names the run (recipe, seed, sizes): a checkpoint of another run is refused. */
  readonly identity: string
  readonly state: TrainingState
  /** Time spent on these steps, all attempts together. */
  readonly elapsedS: number
}

const MAGIC = 'ISTHMUS-CHECKPOINT-1\n'

/** Of all that a checkpoint holds: going on from changed weights would spoil a run, and nothing would show it. */
function sha256Of(header: Header, body: Uint8Array): string {
  return createHash('sha256').update(JSON.stringify(header)).update(body).digest('hex')
}

/**
 * Writes the checkpoint beside the old one, then puts it in its place: a crash leaves one of the two whole.
 * Throws CHECKPOINT_UNWRITABLE naming the file.
 */
export async function saveCheckpoint(
  file: string,
  { step, identity, state, elapsedS }: Checkpoint,
): Promise<void> {
  const vectors = Object.entries(state).map(([name, vector]) => ({ name, length: vector.length }))
  const header: Header = { step, identity, elapsedS, vectors }
  const body = Buffer.concat(
    Object.values(state).map((vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)),
  )
  const first = Buffer.from(`${MAGIC}${JSON.stringify({ ...header, sha256: sha256Of(header, body) })}\n`)
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, Buffer.concat([first, body]), { flush: true })
    await rename(`${file}.new`, file)
  } catch (error) {
    await rm(`${file}.new`, { force: true }).catch(() => undefined)
    throw modelError(
      'CHECKPOINT_UNWRITABLE',
      `${file} cannot be written: ${(error as Error).message}.`,
      error,
    )
  }
}

/**
 * Reads a checkpoint of the run `identity`; undefined when there is none.
 * Throws CHECKPOINT_UNREADABLE when the file is damaged or belongs to another run.
 */
export async function loadCheckpoint(file: string, identity: string): Promise<Checkpoint | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw modelError('CHECKPOINT_UNREADABLE', `${file} cannot be read.`, error)
  }
  const headerEnd = bytes.indexOf('\n', MAGIC.length)
  if (!bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)) || headerEnd < 0) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} is not a checkpoint.`)
  }
  const { sha256, ...header } = parseHeader(file, bytes.toString('utf8', MAGIC.length, headerEnd))
  if (header.identity !== identity) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} belongs to another run (${header.identity}).`)
  }
  const body = bytes.subarray(headerEnd + 1)
  const length = header.vectors.reduce((sum, vector) => sum + 4 * vector.length, 0)
  // Checkpoints of Isthmus 0.1.0 before its release have no hash.
  if (body.length !== length || (sha256 !== undefined && sha256 !== sha256Of(header, body))) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} is cut short or damaged.`)
  }
  const values = new Float32Array(new Uint8Array(body).buffer)
  const state: TrainingState = {}
  let offset = 0
  for (const { name, length } of header.vectors) {
    state[name] = values.slice(offset, offset + length)
    offset += length
  }
  return { step: header.step, identity, state, elapsedS: header.elapsedS }
}

interface Header {
  readonly step: number
  readonly identity: string
  readonly elapsedS: number
  readonly vectors: readonly { readonly name: string; readonly length: number }[]
}

const headerSchema = z.strictObject({
  step: z.int().nonnegative(),
  identity: z.string(),
  elapsedS: z.number().nonnegative(),
  vectors: z.array(z.object({ name: z.string(), length: z.int().nonnegative() })),
  sha256: z.string().optional(),
})

function parseHeader(file: string, text: string): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(text))
  } catch (error) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} has a damaged header.`, error)
  }
}
