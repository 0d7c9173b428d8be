import type { Patch, PatchReason, PatchRequest, Sample, SampleInput } from '../message.ts'
import { inputNumbers, reasonNumbers } from './names.ts'
import { bad, float32, type Loose, list, uint32 } from './values.ts'

// Fields of samples and patches, filled with their defaults and checked.

export function sampleFrom(fields: Loose<Omit<Sample, 'input'>>, input: SampleInput | undefined): Sample {
  if (input === undefined || !Object.hasOwn(inputNumbers, input)) {
    throw bad('Its input is none of pixels, image, latent, statistics')
  }
  const number = uint32(fields.number, 'number')
  if (number === 0) throw bad('The sample has no number; numbers start at 1')
  const entropy = float32(fields.entropy ?? 0, 'entropy')
  if (entropy < 0) throw bad(`entropy is ${entropy}, less than 0`)
  const dims = list(fields.dims, 'dims', 3)
  if (dims.length !== (input === 'pixels' ? 3 : 0)) {
    throw bad(`A sample of ${input} has ${dims.length} dims`)
  }
  return {
    kind: 'sample',
    family: uint32(fields.family, 'family'),
    number,
    input,
    dims,
    patch: uint32(fields.patch, 'patch'),
    patchEpoch: uint32(fields.patchEpoch, 'patch_epoch'),
    entropy,
    bundle: uint32(fields.bundle, 'bundle'),
    mode: uint32(fields.mode, 'mode'),
    scale: fields.scale == null ? undefined : float32(fields.scale, 'scale'),
    zeroPoint: fields.zeroPoint == null ? undefined : uint32(fields.zeroPoint, 'zero_point'),
  }
}

export function patchFrom(fields: Loose<Patch>): Patch {
  const version = uint32(fields.version, 'version')
  if (version === 0) throw bad('The patch has no version; versions start at 1')
  return {
    kind: 'patch',
    family: uint32(fields.family, 'family'),
    version,
    epoch: uint32(fields.epoch, 'epoch'),
  }
}

export function patchRequestFrom(
  fields: Loose<Omit<PatchRequest, 'reason'>>,
  reason: PatchReason | undefined,
): PatchRequest {
  if (reason === undefined || !Object.hasOwn(reasonNumbers, reason)) {
    throw bad('Its reason is none of start, gap, damaged, rolledBack')
  }
  return {
    kind: 'patchRequest',
    family: uint32(fields.family, 'family'),
    version: uint32(fields.version, 'version'),
    reason,
    refused: uint32(fields.refused, 'refused'),
    epoch: uint32(fields.epoch, 'epoch'),
    refusedEpoch: uint32(fields.refusedEpoch, 'refused_epoch'),
  }
}
