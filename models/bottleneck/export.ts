import type { Manifest, Mode } from '../bundle/manifest.ts'
import { withoutDominated } from '../bundle/prune-modes.ts'
import type { ManifestDraft } from '../bundle/write.ts'
import type { EntropyQuantizer } from '../codec/index.ts'
import type { Evaluation } from './evaluate.ts'
import type { RateMode } from './modes.ts'

interface Counted {
  readonly macs: number
  readonly params: number
}

/** Everything that becomes the manifest of a bundle with a bottleneck. */
export interface DraftParts {
  readonly name: string
  readonly version: string
  readonly labels: readonly string[]
  readonly input: Manifest['input']
  readonly output: Manifest['output']
  readonly latent: { readonly name: string; readonly dims: readonly number[] }
  readonly head: Counted
  readonly tail: Counted
  readonly whole: Counted
  readonly modes: readonly RateMode[]
  readonly evaluation: Evaluation
  readonly measuredOn: string
  readonly recipe: Readonly<Record<string, string | number>>
}

/** Whole photos are sent as this, when the device chooses to. */
const EDGE = { name: 'jpeg-75', image: { codec: 'jpeg', quality: 75 } } as const

/**
 * The manifest. Its accuracies are shares of agreement with the teacher, which `measuredOn` says; modes that another one beats in both bytes and
 * agreement are left out.
 */
export function bottleneckDraft(parts: DraftParts): ManifestDraft {
  const { head, tail, whole, evaluation } = parts
  const measured = new Map(evaluation.ways.map((way) => [way.name, way]))
  const splits = parts.modes.map(({ name, quantizer }): Mode => {
    const { bytes, agreement } = measured.get(name)!
    return {
      id: 0,
      name,
      route: 'split',
      quantizer: quantizer as EntropyQuantizer,
      accuracy: agreement,
      payloadBytes: Math.round(bytes),
      headMacs: head.macs,
      tailMacs: tail.macs,
    }
  })
  const edge = measured.get(EDGE.name)!
  const modes: Mode[] = [
    { id: 0, name: 'local', route: 'local', accuracy: 1, payloadBytes: 0, headMacs: whole.macs, tailMacs: 0 },
    ...withoutDominated(splits),
    {
      id: 0,
      name: EDGE.name,
      route: 'edge',
      image: EDGE.image,
      accuracy: edge.agreement,
      payloadBytes: Math.round(edge.bytes),
      headMacs: 0,
      tailMacs: whole.macs,
    },
  ]
  const full = { file: 'full.onnx', ...whole, accuracy: 1 }
  return {
    name: parts.name,
    version: parts.version,
    task: 'classification',
    labels: [...parts.labels],
    input: parts.input,
    output: parts.output,
    latent: { name: parts.latent.name, dims: [...parts.latent.dims] },
    models: {
      local: full,
      head: { file: 'head.onnx', ...head },
      tail: { file: 'tail.onnx', ...tail },
      full,
    },
    modes: modes.map((mode, i) => ({ ...mode, id: i + 1 })),
    measuredOn: parts.measuredOn,
    recipe: { ...parts.recipe },
  }
}
