import { rename, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Manifest } from '../bundle/manifest.ts'
import { writeBundle } from '../bundle/write.ts'
import { storeHalfWeights } from '../nets/index.ts'
import { inspectModel, type Model, writeModel } from '../onnx/index.ts'
import { evenly } from '../pack/photos.ts'
import type { Session, SessionOptions } from '../runtime/index.ts'
import { type CodecRatio, codecRatios } from './compare.ts'
import { codecWays, type Evaluation, evaluate } from './evaluate.ts'
import { bottleneckDraft } from './export.ts'
import { latentsOf } from './modes.ts'
import { reportPage } from './report.ts'
import type { SplitPair } from './split-pair.ts'
import type { PhotoSplit } from './split-photos.ts'
import { LATENT } from './student-models.ts'
import type { Teacher } from './teacher.ts'
import { outHint, writable } from './writable.ts'

/** Photos, and values of their latents, that the code's tables are counted on at most. */
const TABLE_PHOTOS = 1000
const TABLE_VALUES = 2 ** 25

export interface FinishRequest {
  readonly teacher: Teacher
  readonly pair: SplitPair
  readonly input: Manifest['input']
  readonly output: Manifest['output']
  readonly labels: readonly string[]
  readonly split: PhotoSplit
  readonly name: string
  readonly version: string
  readonly out: string
  readonly threads: number
  /** How the bundle came to be, for manifest and report. */
  readonly recipe: Readonly<Record<string, string | number>>
}

export interface Finished {
  readonly bundleId: string
  readonly manifest: Manifest
  readonly evaluation: Evaluation
  readonly ratios: readonly CodecRatio[]
  /** Bytes of the head's file. */
  readonly headBytes: number
  /** Where the report and its numbers are. */
  readonly reportFile: string
  readonly numbersFile: string
}

/**
 * When the pair is there: counts the code's tables, measures every mode and the image codecs on the photos that were kept back, and writes bundle,
 * report and numbers, each whole or not at all.
 */
export async function finishBottleneck(
  request: FinishRequest,
  open: (bytes: Uint8Array, options: SessionOptions) => Promise<Session>,
  onProgress: (what: string, done: number, total: number) => void,
): Promise<Finished> {
  const { teacher, pair, input, split, threads, recipe } = request
  const { latentDims } = pair
  const models = {
    head: storeHalfWeights(pair.head),
    tail: storeHalfWeights(pair.tail),
    teacher: teacher.model,
  }
  const bytes = {
    head: writeModel(models.head),
    tail: writeModel(models.tail),
    teacher: writeModel(models.teacher),
  }
  const sessions: Session[] = []
  const opened = async (model: Uint8Array) => {
    const session = await open(model, { intraOpThreads: threads })
    sessions.push(session)
    return session
  }
  try {
    const head = await opened(bytes.head)
    const perFrame = latentDims.reduce((product, dim) => product * dim, 1)
    const counted = evenly(split.train, Math.min(TABLE_PHOTOS, Math.ceil(TABLE_VALUES / perFrame)))
    const latents = await latentsOf(head, counted, input, perFrame, (done) =>
      onProgress('counting the codes', done, counted.length),
    )
    const modes = pair.modes(latents)
    const parts = { head, tail: await opened(bytes.tail), teacher: await opened(bytes.teacher) }
    const evaluation = await evaluate(
      parts,
      split.heldOut,
      [...modes, ...codecWays],
      input,
      latentDims,
      (done) => onProgress('measuring modes and codecs', done, split.heldOut.length),
    )
    const count = (model: Model, name: string, dims: readonly number[]) => {
      const { macs, parameters } = inspectModel(model, { [name]: [1, ...dims] })
      return { macs, params: parameters }
    }
    const draft = bottleneckDraft({
      ...request,
      latent: { name: LATENT, dims: latentDims },
      head: count(models.head, input.name, input.dims),
      tail: count(models.tail, LATENT, latentDims),
      whole: count(models.teacher, input.name, input.dims),
      modes,
      evaluation,
      measuredOn: `agreement with the teacher on ${evaluation.photos} photos kept back`,
      recipe,
    })
    const files = { 'head.onnx': bytes.head, 'tail.onnx': bytes.tail, 'full.onnx': bytes.teacher }
    const { id, manifest } = await writable(request.out, outHint, () =>
      writeBundle(request.out, draft, files),
    )
    const ratios = codecRatios(evaluation.ways)
    const numbers = {
      bundle: id,
      recipe,
      heldOut: split.heldOut.map((path) => basename(path)),
      encoder: { ...draft.models.head, bytes: bytes.head.length, ms: evaluation.headMs },
      evaluation,
      ratios,
    }
    const page = reportPage({
      title: `${request.name}: agreement against bytes`,
      facts: factsOf(request, evaluation, bytes.head.length),
      ways: evaluation.ways,
      ratios,
      photos: evaluation.photos,
    })
    const reportFile = `${request.out}.report.html`
    const numbersFile = `${request.out}.report.json`
    await writable(reportFile, outHint, () => writeWhole(reportFile, page))
    await writable(numbersFile, outHint, () =>
      writeWhole(numbersFile, `${JSON.stringify(numbers, null, 1)}\n`),
    )
    return {
      bundleId: id,
      manifest,
      evaluation,
      ratios,
      headBytes: bytes.head.length,
      reportFile,
      numbersFile,
    }
  } finally {
    for (const session of sessions) await session.dispose()
  }
}

function factsOf(
  { pair, recipe }: FinishRequest,
  evaluation: Evaluation,
  headBytes: number,
): [string, string][] {
  const ms = (value: number) => `${value.toFixed(1)} ms`
  return [
    ...pair.facts,
    ['latent', pair.latentDims.join('×')],
    ['on the device', `${(headBytes / 1000).toFixed(0)} kB, ${ms(evaluation.headMs)} here`],
    ['on the server', `${ms(evaluation.tailMs)} here`],
    ['whole teacher', `${ms(evaluation.teacherMs)} here`],
    ...Object.entries(recipe).map(([name, value]): [string, string] => [name, String(value)]),
  ]
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    await writeFile(temporary, text)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
