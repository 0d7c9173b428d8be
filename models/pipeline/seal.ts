import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256Hex } from '../bundle/load.ts'
import { readPlainFile } from '../bundle/plain-file.ts'
import { inspectModel } from '../onnx/inspect.ts'
import { readModel } from '../onnx/read.ts'
import { openSession } from '../runtime/node.ts'
import type { Session, Tensor } from '../runtime/session.ts'
import { pipelineError } from './errors.ts'
import { loadPipeline, type Pipeline, readManifest } from './load.ts'
import {
  type CheckedDraft,
  MAX_TENSOR_BYTES,
  type PipelineDraft,
  parseDraft,
  parsePipeline,
} from './manifest.ts'
import { commonRows } from './rows.ts'
import { leastRowsOf } from './seal-rows.ts'
import { checkStageInputs } from './stage-model.ts'
import { countOf, stageArrays, stageTypes, type TensorForm } from './tensor-form.ts'
import { splitReference, stageOrder } from './wiring.ts'

type Draft = CheckedDraft
type Sealed = Draft['stages'][number]

/**
 * Completes the pipeline.json of a folder, which a user wrote by hand: runs each stage once, in order, and writes down what
 * it gives, the multiply-adds unless they are given, and length and SHA-256 of each model. To be repeated when a model has changed.
 *
 * Returns the pipeline as it loads from the disk. Throws `BAD_PIPELINE`, `PIPELINE_CYCLE`, `PIPELINE_UNKNOWN_STAGE`,
 * `PIPELINE_UNKNOWN_TENSOR`, `PIPELINE_MISMATCH` naming stage and input, `PIPELINE_FILE_MISSING`, and what opening or running a
 * model throws.
 */
export async function sealPipeline(dir: string): Promise<Pipeline> {
  const draft = parseDraft((await readManifest(dir)).json)
  const order = stageOrder(draft.stages)
  const known = new Map<string, Tensor>()
  for (const [name, form] of Object.entries(draft.inputs)) known.set(`input.${name}`, emptyTensor(form))
  const read = new Map<string, Uint8Array>()
  const stages: Sealed[] = [...draft.stages]
  for (const at of order) {
    const stage = draft.stages[at]!
    const bytes = read.get(stage.model) ?? (await modelOf(dir, stage.model))
    read.set(stage.model, bytes)
    stages[at] = await sealStage(stage, bytes, known, draft)
  }
  const files = [...read].map(([file, bytes]) => [file, { sha256: sha256Hex(bytes), bytes: bytes.length }])
  // Through the schema: its order of the keys, whatever the file's, so that sealing twice gives the same bytes.
  const manifest = parseDraft({ ...draft, stages, files: Object.fromEntries(files.toSorted(byName)) })
  parsePipeline(manifest)
  const beside = join(dir, `.pipeline.${randomUUID()}.json`)
  try {
    await writeFile(beside, `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' })
    await rename(beside, join(dir, 'pipeline.json'))
  } finally {
    await rm(beside, { force: true })
  }
  return loadPipeline(dir)
}

/** Writes a draft and its model files, by path below the folder, and seals them. Throws as {@link sealPipeline} does. */
export async function writePipeline(
  dir: string,
  draft: PipelineDraft,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Pipeline> {
  const checked = parseDraft(draft)
  for (const { id, model } of checked.stages) {
    if (Object.hasOwn(files, model)) continue
    throw pipelineError('PIPELINE_FILE_MISSING', `Stage '${id}' needs '${model}', which is not given.`)
  }
  await mkdir(dir, { recursive: true })
  for (const { model } of checked.stages) {
    await mkdir(dirname(join(dir, model)), { recursive: true })
    await writeFile(join(dir, model), files[model]!)
  }
  await writeFile(join(dir, 'pipeline.json'), JSON.stringify(checked))
  return sealPipeline(dir)
}

const byName = ([a]: unknown[], [b]: unknown[]): number => (String(a) < String(b) ? -1 : 1)

const emptyTensor = ({ dtype, dims }: TensorForm): Tensor => ({
  dtype,
  dims,
  data: new stageArrays[dtype](countOf({ dims })),
})

async function modelOf(dir: string, model: string): Promise<Uint8Array> {
  const unreadable = (detail: string, cause?: unknown) => pipelineError('PIPELINE_UNREADABLE', detail, cause)
  const bytes = await readPlainFile(join(dir, model), () => {}, unreadable)
  if (bytes) return bytes
  throw pipelineError('PIPELINE_FILE_MISSING', `'${model}' is missing in ${dir}.`)
}

async function sealStage(
  stage: Sealed,
  bytes: Uint8Array,
  known: Map<string, Tensor>,
  draft: Draft,
): Promise<Sealed> {
  const { id, inputs } = stage
  const session = await openSession(bytes)
  try {
    const feeds = Object.entries(inputs).map(([name, reference]) => {
      const tensor = known.get(reference)
      if (tensor) return [name, tensor] as const
      const { stage: owner, output } = splitReference(reference)
      const whose = owner === 'input' ? 'the pipeline has no input' : `stage '${owner}' gives no`
      throw pipelineError(
        'PIPELINE_UNKNOWN_TENSOR',
        `Input '${name}' of stage '${id}' is '${reference}', but ${whose} '${output}' that could be handed on.`,
      )
    })
    checkStageInputs(id, new Map(feeds), session)
    const outputs = await formsOf(id, session, Object.fromEntries(feeds), known)
    const macs = stage.macs ?? countMacs(bytes, feeds, draft)
    const { leastRows: _, ...rest } = stage
    if (!stage.divisible) return { ...rest, outputs, macs }
    const least = await leastRowsOf(
      id,
      session,
      Object.fromEntries(feeds),
      rowsOfStage(stage, feeds, outputs),
    )
    return { ...rest, outputs, macs, leastRows: least }
  } finally {
    await session.dispose()
  }
}

/** Throws `BAD_PIPELINE` for tensors with different rows. Whether one is coded, wiring says. */
function rowsOfStage(
  { id, inputs }: Sealed,
  feeds: readonly (readonly [string, Tensor])[],
  outputs: Readonly<Record<string, { readonly dims: readonly number[] }>>,
): number {
  const tensors = [
    ...feeds.map(([name, { dims }]) => ({ reference: inputs[name]!, dims, coded: false })),
    ...Object.entries(outputs).map(([name, { dims }]) => ({
      reference: `${id}.${name}`,
      dims,
      coded: false,
    })),
  ]
  return commonRows(id, tensors)
}

/** What the stage gives, of the types that can be handed on; the tensors are added to what is known. */
async function formsOf(
  id: string,
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  known: Map<string, Tensor>,
): Promise<Record<string, { dtype: TensorForm['dtype']; dims: number[] }>> {
  const forms: Record<string, { dtype: TensorForm['dtype']; dims: number[] }> = {}
  for (const [name, tensor] of Object.entries(await session.run(feeds))) {
    const dtype = stageTypes.find((type) => type === tensor.dtype)
    if (!dtype || tensor.data.byteLength > MAX_TENSOR_BYTES || tensor.data.length === 0) continue
    forms[name] = { dtype, dims: [...tensor.dims] }
    known.set(`${id}.${name}`, tensor)
  }
  return forms
}

function countMacs(
  bytes: Uint8Array,
  feeds: readonly (readonly [string, Tensor])[],
  { name }: Draft,
): number {
  try {
    const shapes = feeds.map(([input, { dims }]) => [input, dims] as const)
    return inspectModel(readModel(bytes), Object.fromEntries(shapes)).macs
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw pipelineError(
      'BAD_PIPELINE',
      `${name}: give the stage's macs; they cannot be counted (${reason}).`,
      error,
    )
  }
}
