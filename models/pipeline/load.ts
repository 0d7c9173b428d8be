import { join } from 'node:path'
import { keyOf } from '../bundle/bundle.ts'
import { sha256Hex } from '../bundle/load.ts'
import { readPlainFile } from '../bundle/plain-file.ts'
import { pipelineError } from './errors.ts'
import { type PipelineManifest, parsePipeline } from './manifest.ts'
import type { Wiring } from './wiring.ts'

/** A pipeline in memory, every file of it verified. */
export interface Pipeline {
  readonly manifest: PipelineManifest
  readonly wiring: Wiring
  /**
   * First four bytes of the SHA-256 of pipeline.json, little-endian: how a request names its pipeline. The manifest holds the
   * hash of every model, so another model is another key.
   */
  readonly key: number
  /** `name@version`. */
  readonly id: string
  /** By stage: its ONNX file; undefined where it was not loaded. */
  readonly models: readonly (Uint8Array | undefined)[]
}

export interface LoadPipelineOptions {
  /**
   * `device`: all models but those of stages that are `serverOnly`; all must be there. `server`: all models that are there.
   * Default: all, and all must be there.
   */
  readonly for?: 'device' | 'server'
}

/** 32 stages with the longest names are some 200 kB; no more than this is parsed. */
const MAX_MANIFEST_BYTES = 2 ** 20

const unreadable = (detail: string, cause?: unknown) => pipelineError('PIPELINE_UNREADABLE', detail, cause)

/** The bytes and the JSON of a folder's pipeline.json. Throws `PIPELINE_UNREADABLE`, `BAD_PIPELINE`. */
export async function readManifest(
  dir: string,
): Promise<{ readonly bytes: Uint8Array; readonly json: unknown }> {
  const check = (bytes: number) => {
    if (bytes > MAX_MANIFEST_BYTES) throw pipelineError('BAD_PIPELINE', `pipeline.json has ${bytes} bytes.`)
  }
  const bytes = await readPlainFile(join(dir, 'pipeline.json'), check, unreadable)
  if (!bytes) throw unreadable(`There is no pipeline.json in ${dir}.`)
  try {
    return { bytes, json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw pipelineError('BAD_PIPELINE', `pipeline.json is not JSON: ${reason}.`, error)
  }
}

/**
 * Loads a sealed pipeline from its folder; length and SHA-256 of every loaded file are verified. Throws what
 * {@link parsePipeline} throws, `PIPELINE_UNREADABLE`, `PIPELINE_FILE_MISSING` and `PIPELINE_FILE_CHANGED` naming the file.
 */
export async function loadPipeline(dir: string, options: LoadPipelineOptions = {}): Promise<Pipeline> {
  const { bytes, json } = await readManifest(dir)
  const { manifest, wiring } = parsePipeline(json)
  const read = new Map<string, Uint8Array | undefined>()
  const models: (Uint8Array | undefined)[] = []
  for (const { model, serverOnly } of manifest.stages) {
    if (serverOnly && options.for === 'device') {
      models.push(undefined)
      continue
    }
    if (!read.has(model)) read.set(model, await readModel(dir, model, manifest))
    if (!read.get(model) && options.for !== 'server') {
      throw pipelineError('PIPELINE_FILE_MISSING', `'${model}' is missing in ${dir}.`)
    }
    models.push(read.get(model))
  }
  const { name, version } = manifest
  return { manifest, wiring, key: keyOf(sha256Hex(bytes)), id: `${name}@${version}`, models }
}

async function readModel(
  dir: string,
  model: string,
  { files }: PipelineManifest,
): Promise<Uint8Array | undefined> {
  const expected = files[model]!
  const check = (length: number) => {
    if (length === expected.bytes) return
    throw pipelineError(
      'PIPELINE_FILE_CHANGED',
      `'${model}' has ${length} bytes; pipeline.json says ${expected.bytes}.`,
    )
  }
  const bytes = await readPlainFile(join(dir, model), check, unreadable)
  if (bytes && sha256Hex(bytes) !== expected.sha256) {
    throw pipelineError('PIPELINE_FILE_CHANGED', `'${model}' does not have the SHA-256 of pipeline.json.`)
  }
  return bytes
}
