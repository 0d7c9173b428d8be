import { createHash } from 'node:crypto'
import { adaptableNetwork, type SplitNetwork, splitNetwork } from '@isthmus/models/adapt'
import type { Bundle } from '@isthmus/models/bundle'
import { readModel, writeModel } from '@isthmus/models/onnx'
import { familyKey } from '@isthmus/proto'
import { type AdaptableFamily, checkInputs } from './families.ts'

/** The halves of a split network that learn. */
export interface SplitHalves {
  readonly network: Pick<SplitNetwork, 'head' | 'tail'>
  /** Names head and tail. */
  readonly lineage: string
}

/** A split network that a server can adapt, taught by the bundle's full one. */
export interface SplitFamily extends AdaptableFamily {
  readonly halves: SplitHalves
  /** Keys of the bundles with this head and this tail. */
  readonly bundles: number[]
  /** Keys of the networks whose devices send samples for it: the head's, and the local networks' of its bundles. */
  readonly samples: Set<number>
}

export interface SplitFamilies {
  readonly adaptable: readonly SplitFamily[]
  readonly refused: readonly { readonly bundle: string; readonly reason: string }[]
}

/**
 * The split networks of some bundles, by their heads. Bundles without a head or a tail have none. A head whose patches would have to fit
 * two tails is refused for the second.
 */
export function splitFamiliesOf(bundles: readonly Bundle[], learns: 'tail' | 'both'): SplitFamilies {
  const adaptable = new Map<string, SplitFamily>()
  const refused: { bundle: string; reason: string }[] = []
  for (const bundle of bundles) {
    const { head, tail, local } = bundle.manifest.models
    if (!head || !tail) continue
    try {
      const known = adaptable.get(head.sha256)
      if (known && known.halves.lineage !== lineageOf(bundle, learns))
        throw new Error(`Its head is adapted with the tail of ${known.id}`)
      const family = known ?? familyOf(bundle, learns)
      family.bundles.push(bundle.key)
      if (local) family.samples.add(familyKey(local.sha256))
      adaptable.set(head.sha256, family)
    } catch (error) {
      refused.push({ bundle: bundle.id, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { adaptable: [...adaptable.values()], refused }
}

function familyOf(bundle: Bundle, learns: 'tail' | 'both'): SplitFamily {
  const { models, latent, input, labels, modes } = bundle.manifest
  if (!models.full) throw new Error('Its split network needs a full one to teach it')
  checkInputs(bundle.manifest)
  // The finest rate: what coarser ones take away is not to be learned.
  const mode = modes
    .filter((one) => one.route === 'split')
    .filter((one) => (one.head ?? 'head') === 'head')
    .reduce<Rated | undefined>(
      (best, one) => (best && accuracyOf(best) >= accuracyOf(one) ? best : one),
      undefined,
    )
  if (!mode || !latent) throw new Error('No mode of it sends the latent of its head')
  const { model, head, tail } = splitNetwork({
    head: readModel(bundle.modelBytes('head')),
    tail: readModel(bundle.modelBytes('tail')),
    quantizer: mode.quantizer,
    latentDims: latent.dims,
    learns,
  })
  const { imageDims, classes } = adaptableNetwork(model)
  const foundation = bundle.modelBytes('full')
  adaptableNetwork(readModel(foundation))
  const hash = models.head!.sha256
  const lineage = lineageOf(bundle, learns)
  const { layout, base } = head ?? tail
  return {
    key: familyKey(hash),
    id: `${bundle.id}/${learns === 'tail' ? 'tail' : 'split'}`,
    hash,
    lineage: `${lineage} ${models.full.sha256} ${quantizerName(mode.quantizer)}`,
    imageDims,
    classes,
    student: writeModel(model),
    foundation,
    mean: input.mean,
    std: input.std,
    labels,
    layout,
    base,
    halves: { network: { head, tail }, lineage },
    bundles: [],
    samples: new Set([familyKey(hash)]),
  }
}

type Rated = Extract<Bundle['manifest']['modes'][number], { route: 'split' }>

const accuracyOf = ({ accuracy = 0 }: Rated): number => accuracy

const lineageOf = ({ manifest: { models } }: Bundle, learns: string): string =>
  `${learns} ${models.head!.sha256} ${models.tail!.sha256}`

const quantizerName = (quantizer: Rated['quantizer']): string =>
  createHash('sha256').update(JSON.stringify(quantizer)).digest('hex').slice(0, 16)
