import { SPLIT_OBSERVATION, type SplitObservation } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { splitCandidates } from '../gmorl/encoding/split-candidates.ts'
import { LearnedPolicy } from '../gmorl/network/learned-policy.ts'
import type { PolicyManifest } from '../gmorl/network/policy-manifest.ts'
import type { SetNetworkWeights } from '../gmorl/network/set-network.ts'
import type { Policy } from '../plan.ts'
import { SeenCheck } from './seen-check.ts'
import { fromEnvironmentPolicy, type ServedPolicy } from './served-policy.ts'
import { splitObservations } from './split-observations.ts'

export interface LearnedSplitOptions {
  readonly manifest: Pick<PolicyManifest, 'name' | 'encoding' | 'shape' | 'seen'>
  readonly weights: SetNetworkWeights
  /** Decides where the policy cannot, or has seen nothing like it. Default: `measuredCostController()`. */
  readonly fallback?: Policy
}

/**
 * A policy trained for the environment `split`, for a device: guarded, and left to the fallback where frames are unlike those of
 * its training. Throws IsthmusError `BAD_POLICY` for one that was trained for something else.
 */
export function learnedSplitPolicy({
  manifest,
  weights,
  fallback,
}: LearnedSplitOptions): ServedPolicy<SplitObservation> {
  if (manifest.encoding !== splitCandidates.version) {
    throw policyError(
      'BAD_POLICY',
      `encoding: the policy was made for ${manifest.encoding}, this device has ${splitCandidates.version}`,
    )
  }
  return fromEnvironmentPolicy<SplitObservation>(
    new LearnedPolicy(splitCandidates, manifest.shape, weights, manifest.name),
    {
      observe: splitObservations(),
      observationVersion: SPLIT_OBSERVATION,
      check: new SeenCheck(splitCandidates, manifest.seen),
      ...(fallback && { fallback }),
    },
  )
}
