import { checkNormParameters, type NormParameters } from '../adapt/norm-parameters.ts'
import type { Patch } from './decode.ts'
import { patchError } from './errors.ts'
import { parametersChecksum } from './parameter-bytes.ts'
import { readPayload } from './payload.ts'

/** What a receiver has: the parameters of the base network, and those that it holds now. */
export interface HeldParameters {
  readonly base: NormParameters
  readonly current: NormParameters
}

/**
 * The parameters that a patch makes, as new vectors: of the base network's when it is a snapshot, else of the current ones. They are
 * what the sender knows its receivers hold, to the last bit. All or nothing: `held` is left as it is whatever happens.
 * Throws PATCH_BAD_VALUES, PATCH_NEEDS_SNAPSHOT, NORM_MISMATCH.
 */
export function applyPatch(patch: Patch, { base, current }: HeldParameters): NormParameters {
  const { header, layout, layers, payload } = patch
  const reference = header.against === 0 ? base : current
  checkNormParameters(reference, layout)
  const result = readPayload(payload, header.dtype, layout, layers, reference)
  try {
    checkNormParameters(result, layout)
  } catch (cause) {
    throw patchError('PATCH_BAD_VALUES', 'The patch would break the network', cause)
  }
  if (parametersChecksum(result) !== header.resultChecksum)
    throw patchError('PATCH_NEEDS_SNAPSHOT', 'What comes of the patch is not what its sender holds')
  return result
}
