import { adaptableNetwork } from '@isthmus/models/adapt'
import type { Bundle, Manifest } from '@isthmus/models/bundle'
import { readModel } from '@isthmus/models/onnx'
import { familyKey } from '@isthmus/proto'
import type { Family } from './family.ts'

/** A family that a server can adapt: the bundle's local network, taught by its full one. */
export interface AdaptableFamily extends Family {
  /** SHA-256 of the student's ONNX file, hex. */
  readonly hash: string
  /** Names student and foundation. */
  readonly lineage: string
  readonly student: Uint8Array
  readonly foundation: Uint8Array
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly labels: readonly string[]
}

export interface Families {
  readonly adaptable: readonly AdaptableFamily[]
  readonly refused: readonly { readonly bundle: string; readonly reason: string }[]
}

/** The families of some bundles; bundles with the same local network share one. */
export function familiesOf(bundles: readonly Bundle[]): Families {
  const adaptable = new Map<number, AdaptableFamily>()
  const refused: { bundle: string; reason: string }[] = []
  for (const bundle of bundles) {
    try {
      const family = familyOf(bundle)
      if (!adaptable.has(family.key)) adaptable.set(family.key, family)
    } catch (error) {
      refused.push({ bundle: bundle.id, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { adaptable: [...adaptable.values()], refused }
}

function familyOf(bundle: Bundle): AdaptableFamily {
  const { models, input, labels } = bundle.manifest
  if (!models.local || !models.full)
    throw new Error('It needs a local network to adapt and a full one to teach it')
  checkInputs(bundle.manifest)
  const [student, foundation] = [bundle.modelBytes('local'), bundle.modelBytes('full')]
  const { layout, source, imageDims, classes } = adaptableNetwork(readModel(student))
  adaptableNetwork(readModel(foundation))
  return {
    key: familyKey(models.local.sha256),
    id: bundle.id,
    hash: models.local.sha256,
    lineage: `${models.local.sha256} ${models.full.sha256}`,
    imageDims,
    classes,
    student,
    foundation,
    mean: input.mean,
    std: input.std,
    labels,
    layout,
    base: source,
  }
}

/** Throws for networks that take or give what no learner can. */
export function checkInputs({ input, output }: Manifest): void {
  if (input.layout !== 'NCHW' || output.kind !== 'logits')
    throw new Error('Its networks do not take [C, H, W] and give logits')
}
