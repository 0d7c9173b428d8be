import { type Bundle, decodersOf, type Manifest, type Mode } from '@isthmus/models/bundle'
import { payloadLimits } from '@isthmus/models/codec'
import type { Route, WireErrorCode } from '@isthmus/proto'

type ServedMode = Exclude<Mode, { route: 'local' }>

/** One mode of one bundle that this server can compute. */
export interface Offer {
  readonly bundle: number
  readonly mode: number
  readonly route: 'split' | 'edge'
  /** How long a payload may be; undefined for coded images, which may have any length. */
  readonly limits: { readonly least: number; readonly most: number } | undefined
  /** Whether the request must bring the range of its quantiser. */
  readonly needsRange: boolean
  /** Ids of the decoders that may read the latent, too; none on the route edge. */
  readonly decoders: ReadonlySet<number>
}

/** What is wrong with a request, in the words of the wire. */
export interface Refusal {
  readonly code: WireErrorCode
  readonly detail: string
}

interface Entry {
  readonly id: string
  readonly modes: ReadonlyMap<number, Mode>
  readonly offers: ReadonlyMap<number, Offer>
}

const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1)

/** Bytes of the raw image that a bundle's input takes: one per pixel and channel. */
export const rawImageBytes = (manifest: Manifest): number => product(manifest.input.dims)

function offerOf(bundle: Bundle, mode: ServedMode): Offer | undefined {
  const { manifest, key } = bundle
  const common = { bundle: key, mode: mode.id }
  if (mode.route === 'edge') {
    if (manifest.models.full === undefined) return undefined
    const bytes = rawImageBytes(manifest)
    const limits = mode.image.codec === 'raw' ? { least: bytes, most: bytes } : undefined
    return { ...common, route: 'edge', limits, needsRange: false, decoders: new Set() }
  }
  if (manifest.models.tail === undefined || manifest.latent === undefined) return undefined
  return {
    ...common,
    route: 'split',
    limits: payloadLimits(mode.quantizer, product(manifest.latent.dims)),
    needsRange: mode.quantizer.kind === 'affine-dynamic' && mode.quantizer.bits !== 16,
    decoders: new Set(decodersOf(manifest).map(({ id }) => id)),
  }
}

/** What this server can compute, by bundle key and mode id. */
export class Catalog {
  readonly #entries: ReadonlyMap<number, Entry>

  constructor(bundles: readonly Bundle[]) {
    this.#entries = new Map(
      bundles.map((bundle) => {
        const { modes } = bundle.manifest
        const offers = modes.flatMap((mode) => (mode.route === 'local' ? [] : (offerOf(bundle, mode) ?? [])))
        return [
          bundle.key,
          {
            id: bundle.id,
            modes: new Map(modes.map((mode) => [mode.id, mode])),
            offers: new Map(offers.map((offer) => [offer.mode, offer])),
          },
        ]
      }),
    )
  }

  has(bundle: number): boolean {
    return this.#entries.has(bundle)
  }

  /** The offer that a request names, or why there is none. */
  find(bundle: number, mode: number, route: Route): Offer | Refusal {
    const entry = this.#entries.get(bundle)
    if (!entry) return { code: 'UNKNOWN_BUNDLE', detail: `No bundle with key ${hex(bundle)} is served here` }
    if (!entry.modes.has(mode)) return { code: 'UNKNOWN_MODE', detail: `${entry.id} has no mode ${mode}` }
    const offer = entry.offers.get(mode)
    if (offer?.route === route) return offer
    return { code: 'ROUTE_NOT_OFFERED', detail: `Mode ${mode} of ${entry.id} is not served as ${route}` }
  }
}

/** A key as the log shows it. */
export const hex = (key: number): string => key.toString(16).padStart(8, '0')
