import type { NormParameters } from '@isthmus/models/adapt/norms'
import type { InferRequest } from '@isthmus/proto'

/** The form of a tail that answers a request. */
export interface TailChoice {
  /** 0 and 0: as packed. */
  readonly version: number
  readonly epoch: number
  /** Of its normalisations; undefined: as packed. */
  readonly parameters: NormParameters | undefined
  /** Whether the tail as packed fits the head that asks, too. */
  readonly orPacked: boolean
}

/** Which tails there are. */
export interface Tails {
  /** The tail that fits the head which made a latent; undefined: there is none. */
  behind(request: Pick<InferRequest, 'bundle' | 'mode' | 'patch' | 'patchEpoch'>): TailChoice | undefined
}

export const packedTail: TailChoice = { version: 0, epoch: 0, parameters: undefined, orPacked: true }

/** Those of the bundles, behind heads as packed. */
export const packedTails: Tails = { behind: ({ patch }) => (patch === 0 ? packedTail : undefined) }
