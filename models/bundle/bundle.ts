import { modelError } from '../errors.ts'
import { type Manifest, type ModelFile, type ModelRole, parseManifest, roles } from './manifest.ts'
import { decodersOf } from './tasks.ts'

/** A bundle in memory, every file of it verified. */
export interface Bundle {
  readonly manifest: Manifest
  /** First four bytes of the SHA-256 of manifest.json, little-endian: how a request names its bundle. */
  readonly key: number
  /** `name@version`. */
  readonly id: string
  /** The ONNX file of a model. Throws `BUNDLE_NO_MODEL` when it is not in the bundle or was not loaded. */
  modelBytes(which: ModelRole): Uint8Array
  /** The ONNX file of a task's decoder, by its id. Throws `BUNDLE_NO_MODEL` when it is not in the bundle or was not loaded. */
  decoderBytes(id: number): Uint8Array
}

export interface LoadOptions {
  /** Read and verify only these models, and decoders of tasks where they are named, as far as the bundle has them. Default: all. */
  only?: readonly (ModelRole | 'decoders')[]
}

/** A manifest with thousands of labels is some 100 kB; no more than this is parsed. */
export const MAX_MANIFEST_BYTES = 4 * 2 ** 20

/** The manifest of its file. Throws `BAD_MANIFEST`. */
export function parseManifestBytes(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw modelError('BAD_MANIFEST', `manifest.json is larger than ${MAX_MANIFEST_BYTES} bytes.`)
  }
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw modelError('BAD_MANIFEST', `manifest.json is not JSON: ${reason}.`, error)
  }
  return parseManifest(json)
}

/** The number that hexadecimal digits give when the first byte is the lowest. */
export const keyOf = (sha256: string): number =>
  Number.parseInt(sha256.slice(0, 8).match(/../g)!.reverse().join(''), 16)

/** Throws `BUNDLE_FILE_CHANGED`, naming the file, for another length than the manifest's. */
export function checkLength({ file, bytes }: ModelFile, actual: number): void {
  if (actual === bytes) return
  throw modelError('BUNDLE_FILE_CHANGED', `'${file}' has ${actual} bytes; the manifest says ${bytes}.`)
}

/**
 * The bundle of a manifest and its files, wherever they come from. Length and SHA-256 of every file are verified.
 * Works in a browser:
 *
 * ```ts
 * const hex = (hash: ArrayBuffer) => Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('')
 * const get = async (file: string) => new Uint8Array(await (await fetch(`/bundles/street/${file}`)).arrayBuffer())
 * const bundle = await bundleFromFiles(await get('manifest.json'), get, async (b) => hex(await crypto.subtle.digest('SHA-256', b)))
 * ```
 *
 * `read` gets a path below the bundle's folder and what the manifest says of the file; `sha256` gives lowercase
 * hexadecimal digits. Throws `BAD_MANIFEST`, `BUNDLE_FILE_CHANGED` naming the file, and what `read` throws.
 */
export async function bundleFromFiles(
  manifestBytes: Uint8Array,
  read: (file: string, expected: ModelFile) => Promise<Uint8Array>,
  sha256: (bytes: Uint8Array<ArrayBuffer>) => Promise<string>,
  { only = [...roles, 'decoders'] }: LoadOptions = {},
): Promise<Bundle> {
  const manifest = parseManifestBytes(manifestBytes)
  const key = keyOf(await sha256(ownBytes(manifestBytes)))
  const byFile = new Map<string, Uint8Array>()
  const verified = async (model: ModelFile) => {
    const bytes = byFile.get(model.file) ?? (await read(model.file, model))
    checkLength(model, bytes.length)
    if (!byFile.has(model.file) && (await sha256(ownBytes(bytes))) !== model.sha256) {
      throw modelError('BUNDLE_FILE_CHANGED', `'${model.file}' does not have the SHA-256 of the manifest.`)
    }
    byFile.set(model.file, bytes)
    return bytes
  }
  const models = new Map<ModelRole, Uint8Array>()
  for (const role of roles) {
    const model = only.includes(role) ? manifest.models[role] : undefined
    if (model) models.set(role, await verified(model))
  }
  const decoders = new Map<number, Uint8Array>()
  if (only.includes('decoders')) {
    for (const decoder of decodersOf(manifest)) decoders.set(decoder.id, await verified(decoder))
  }
  const id = `${manifest.name}@${manifest.version}`
  return {
    manifest,
    key,
    id,
    modelBytes(which) {
      const bytes = models.get(which)
      if (bytes) return bytes
      const why = manifest.models[which] ? 'was not loaded' : 'is not in it'
      throw modelError('BUNDLE_NO_MODEL', `Bundle ${id}: the ${which} model ${why}.`)
    },
    decoderBytes(which) {
      const bytes = decoders.get(which)
      if (bytes) return bytes
      const isThere = decodersOf(manifest).some((decoder) => decoder.id === which)
      const why = isThere ? 'was not loaded' : 'is not in it'
      throw modelError('BUNDLE_NO_MODEL', `Bundle ${id}: decoder ${which} ${why}.`)
    },
  }
}

/** Hash functions of browsers take no shared memory. */
export const ownBytes = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice()
