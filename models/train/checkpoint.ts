import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
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

/** Writes the checkpoint beside the old one, then puts it in its place: a crash leaves one of the two whole. */
export async function saveCheckpoint(
  file: string,
  { step, identity, state, elapsedS }: Checkpoint,
): Promise<void> {
  const vectors = Object.entries(state).map(([name, vector]) => ({ name, length: vector.length }))
  const header = Buffer.from(`${MAGIC}${JSON.stringify({ step, identity, elapsedS, vectors })}\n`)
  const parts = Object.values(state).map((vector) =>
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  )
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, Buffer.concat([header, ...parts]))
  await rename(`${file}.new`, file)
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
  const header = parseHeader(file, bytes.toString('utf8', MAGIC.length, headerEnd))
  if (header.identity !== identity) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} belongs to another run (${header.identity}).`)
  }
  const state: TrainingState = {}
  let offset = headerEnd + 1
  for (const { name, length } of header.vectors) {
    const end = offset + 4 * length
    if (end > bytes.length) throw modelError('CHECKPOINT_UNREADABLE', `${file} is cut short.`)
    state[name] = new Float32Array(bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + end))
    offset = end
  }
  return { step: header.step, identity, state, elapsedS: header.elapsedS }
}

interface Header {
  step: number
  identity: string
  elapsedS: number
  vectors: { name: string; length: number }[]
}

function parseHeader(file: string, text: string): Header {
  try {
    return JSON.parse(text) as Header
  } catch (error) {
    throw modelError('CHECKPOINT_UNREADABLE', `${file} has a damaged header.`, error)
  }
}
