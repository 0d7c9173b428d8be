import type { Quantizer } from '../codec/quantizer.ts'
import { modelError } from '../errors.ts'
import { manifestFault } from './consistency.ts'
import type { Exit, Filter } from './gates.ts'
import { describeIssue } from './issue.ts'
import { manifestSchema } from './schema.ts'
import type { LatentTask } from './tasks.ts'

/**
 * The models that a bundle may hold: a small one for the device, the two parts of a cut one, all of it, a filter in front, and
 * an exit on the latent. `narrowHead` is the head at a smaller width: it gives the same latent for less work, and the same tail
 * takes it.
 */
export const roles = ['local', 'head', 'narrowHead', 'tail', 'full', 'filter', 'exit'] as const
export type ModelRole = (typeof roles)[number]
export type HeadRole = 'head' | 'narrowHead'

export interface ModelFile {
  /** Path below the bundle's folder, with `/`. */
  file: string
  /** SHA-256 of the file, 64 lowercase hexadecimal digits. */
  sha256: string
  bytes: number
  /** Multiply-adds of one frame. */
  macs: number
  params: number
  /** Top-1 accuracy of this model by itself, 0 to 1. */
  accuracy?: number
}

export interface ImageCoding {
  codec: 'raw' | 'png' | 'jpeg' | 'webp'
  /** 1 to 100, for jpeg and webp. */
  quality?: number
}

/** One operating point: what it sends, what it costs, how often it is right. */
export type Mode = {
  /** Names the mode on the wire: 1 to 2^32 − 1. */
  id: number
  name: string
  /** Top-1 accuracy, 0 to 1, on what `measuredOn` names. */
  accuracy?: number
  /**
   * Coded payload of one frame, without the message around it; 0 for a local mode, an average where frames differ (image codecs,
   * entropy quantisers).
   */
  payloadBytes: number
  /** Multiply-adds of one frame on the device and on the server. */
  headMacs: number
  tailMacs: number
} & (
  | { route: 'local' }
  | {
      route: 'split'
      quantizer: Quantizer /** Which head it takes; by default `head`. */
      head?: HeadRole | undefined
    }
  | { route: 'edge'; image: ImageCoding }
)

/** What a bundle says of itself, in `manifest.json`; docs/bundle.md explains every field. */
export interface Manifest {
  format: 1
  name: string
  /** Semantic version. */
  version: string
  task: 'classification'
  /** The name of each class, in the order of the output. */
  labels: string[]
  input: {
    name: string
    /** `[C, H, W]` or `[H, W, C]`, as `layout` says, without the batch. */
    dims: [number, number, number]
    layout: 'NCHW' | 'NHWC'
    /** The model's input is (pixel / 255 − mean) / std, per channel. */
    mean: number[]
    std: number[]
    /** How another aspect ratio is fitted: cut off what is too much, or stretch. */
    fit: 'cover' | 'fill'
  }
  output: { name: string; dims: number[]; kind: 'logits' | 'probabilities' }
  /** What the head gives and the tail takes, without the batch. */
  latent?: { name: string; dims: number[] }
  models: { [Role in ModelRole]?: ModelFile }
  modes: Mode[]
  filter?: Filter
  exit?: Exit
  /** Further questions that are answered from the latent. */
  tasks?: LatentTask[]
  /** The data on which the accuracies were measured. */
  measuredOn?: string
  /** How the networks came to be: recipe, seed, data hash, epochs, wall time. */
  recipe?: Record<string, string | number>
}

/**
 * Checks a manifest: every field, and that the fields agree with each other. Unknown keys are refused. Throws
 * `BAD_MANIFEST` naming the path of each fault.
 */
export function parseManifest(json: unknown): Manifest {
  const result = manifestSchema.safeParse(json)
  if (!result.success) {
    const faults = result.error.issues.slice(0, 5).map((issue) => describeIssue(issue))
    throw modelError('BAD_MANIFEST', `The manifest is not valid: ${faults.join('; ')}.`, result.error)
  }
  const manifest = result.data
  const fault = manifestFault(manifest)
  if (fault) throw modelError('BAD_MANIFEST', `The manifest is not valid: ${fault}.`)
  return manifest
}

/** What names files, of a manifest or its draft. */
interface Naming<File> {
  readonly models: { readonly [Role in ModelRole]?: File }
  readonly tasks?: readonly { readonly decoders: readonly File[] }[] | undefined
}

/** Every file that a manifest names: models, and decoders of tasks. */
export const filesOf = <File extends { readonly file: string }>({
  models,
  tasks = [],
}: Naming<File>): File[] => [...Object.values(models), ...tasks.flatMap(({ decoders }) => decoders)]
