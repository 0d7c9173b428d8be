import type { ImageCoding, Manifest, ModelFile } from '../bundle/manifest.ts'
import type { ManifestDraft } from '../bundle/write.ts'
import { packedBytes, type Quantizer } from '../codec/quantizer.ts'
import type { Measurement } from './try-modes.ts'

/** A mode before its cost is known. */
export type PlannedMode = { readonly id: number; readonly name: string } & (
  | { readonly route: 'local' }
  | { readonly route: 'split'; readonly quantizer: Quantizer }
  | { readonly route: 'edge'; readonly image: ImageCoding }
)

/** The local mode, a split mode for each quantiser, most bits first, and an edge mode when there is a coding for it. */
export function planModes(quantizers: readonly Quantizer[], image: ImageCoding | undefined): PlannedMode[] {
  const splits = [...quantizers]
    .sort((a, b) => b.bits - a.bits)
    .map((quantizer) => ({ name: `split-${quantizer.bits}bit`, route: 'split', quantizer }) as const)
  const edge =
    image && ({ name: [image.codec, image.quality].filter(Boolean).join('-'), route: 'edge', image } as const)
  return [{ name: 'local', route: 'local' } as const, ...splits, ...(edge ? [edge] : [])].map((mode, i) => ({
    id: i + 1,
    ...mode,
  }))
}

type Counted = Pick<ModelFile, 'macs' | 'params'>

/** Everything that becomes a manifest. */
export interface BundleParts {
  readonly name: string
  readonly version: string
  readonly labels: readonly string[]
  readonly input: Manifest['input']
  readonly output: Manifest['output']
  readonly latent: NonNullable<Manifest['latent']>
  readonly head: Counted
  readonly tail: Counted
  readonly whole: Counted
  /** The device's own network, unless that is the whole one. */
  readonly local?: Counted | undefined
  readonly modes: readonly PlannedMode[]
  /** Mean bytes of a photo in the edge mode. */
  readonly imageBytes: number
  readonly measurement?: Measurement | undefined
  /** The data of the measurement, in words. */
  readonly measuredOn?: string | undefined
  readonly recipe: Record<string, string | number>
}

/** The manifest of a cut network. Accuracies are only in it when the photos' classes were known. */
export function bundleDraft(parts: BundleParts): ManifestDraft {
  const { measurement, latent, head, tail, whole, local, recipe } = parts
  const photos = measurement?.photos ?? 0
  const accuracyOf = (right: number | undefined) =>
    measurement?.labelled && right !== undefined ? { accuracy: right / photos } : {}
  const ofWhole = accuracyOf(measurement?.wholeRight)
  const own = local ?? whole
  const latentValues = latent.dims.reduce((product, dim) => product * dim, 1)

  const cost = (mode: PlannedMode) => {
    if (mode.route === 'local') return { payloadBytes: 0, headMacs: own.macs, tailMacs: 0 }
    if (mode.route === 'split') {
      const tally = measurement?.byMode.get(mode.id)
      const payloadBytes = tally
        ? Math.round(tally.bytes / photos)
        : packedBytes(latentValues, mode.quantizer.bits)
      return { payloadBytes, headMacs: head.macs, tailMacs: tail.macs }
    }
    return { payloadBytes: parts.imageBytes, headMacs: 0, tailMacs: whole.macs }
  }
  const modes = parts.modes.map((mode) => {
    const tally = measurement?.byMode.get(mode.id)
    return { ...mode, ...accuracyOf(tally?.right), ...cost(mode) }
  })
  const agreements = parts.modes.flatMap(({ id, name }) => {
    const tally = measurement?.byMode.get(id)
    return tally ? [[`${name}.agreement`, tally.agreed / photos] as const] : []
  })
  const edge = parts.modes.some(({ route }) => route === 'edge')
  const full = { file: 'full.onnx', ...whole, ...ofWhole }
  const localTally = measurement?.byMode.get(parts.modes.find(({ route }) => route === 'local')?.id ?? 0)
  return {
    name: parts.name,
    version: parts.version,
    task: 'classification',
    labels: [...parts.labels],
    input: parts.input,
    output: parts.output,
    latent,
    models: {
      local: local ? { file: 'local.onnx', ...local, ...accuracyOf(localTally?.right) } : full,
      head: { file: 'head.onnx', ...head },
      tail: { file: 'tail.onnx', ...tail },
      ...(edge ? { full } : {}),
    },
    modes,
    ...(measurement?.labelled && parts.measuredOn ? { measuredOn: parts.measuredOn } : {}),
    recipe: {
      ...recipe,
      ...Object.fromEntries(agreements),
      ...(measurement ? { 'agreement.photos': photos } : {}),
    },
  }
}
