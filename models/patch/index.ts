export { applyPatch, type HeldParameters } from './apply.ts'
export { type DecodeOptions, decodePatch, type Patch } from './decode.ts'
export { type EncodedPatch, type EncodeOptions, encodePatch } from './encode.ts'
export { type PatchErrorCode, patchErrors } from './errors.ts'
export {
  compareVersions,
  type PatchDtype,
  type PatchHeader,
  type PatchVersion,
  patchDtypes,
  readHeader,
} from './header.ts'
export {
  newPatchKeys,
  type PatchKeys,
  privateKeyText,
  publicKeyOf,
  publicKeyText,
  readPrivateKey,
  readPublicKey,
} from './keys.ts'
export { familyName, PatchRelay, type PatchRelayOptions, type Received } from './relay.ts'
export {
  type PatchKind,
  PatchWriter,
  type PatchWriterOptions,
  type PublishedPatch,
  type WriterState,
} from './writer.ts'
