import { IsthmusError } from '@isthmus/proto'

/** Why a patch is refused, or cannot be made: when each happens and what to do about it. The network that runs is never touched. */
export const patchErrors = {
  PATCH_MALFORMED: {
    retryable: false,
    text: 'when bytes are no patch, end early, go on after its end, or hold lengths that do not fit: send the patch again, whole',
  },
  PATCH_CORRUPT: {
    retryable: false,
    text: 'when the checksum does not fit: send the patch again',
  },
  PATCH_UNTRUSTED: {
    retryable: false,
    text: 'when a patch is not signed with the key that is trusted: sign it with the key whose public half devices have',
  },
  PATCH_OTHER_FAMILY: {
    retryable: false,
    text: 'when a patch belongs to another base network: subscribe to the patches of the network that runs',
  },
  PATCH_OTHER_LAYOUT: {
    retryable: false,
    text: 'when the normalisation layers of a patch are not those of the network: give both sides the same file',
  },
  PATCH_REPLAYED: {
    retryable: false,
    text: 'when a patch is no newer than what was accepted before: nothing is to be done',
  },
  PATCH_NEEDS_SNAPSHOT: {
    retryable: false,
    text: 'when a patch is a difference to a version that is not held, or gives something else than its sender holds: ask for a snapshot',
  },
  PATCH_FROM_THE_FUTURE: {
    retryable: true,
    text: 'when a patch was made later than it is now: set the clocks of server and device',
  },
  PATCH_BAD_VALUES: {
    retryable: false,
    text: 'when a scale, shift or mean is no number or a variance is not positive: keep the parameters that run',
  },
  PATCH_BAD_KEY: {
    retryable: false,
    text: 'when a key is no Ed25519 key of the right half: make a pair with `newPatchKeys`',
  },
  PATCH_BAD_OPTION: {
    retryable: false,
    text: 'when an option of this room is out of its range: correct it',
  },
} as const

export type PatchErrorCode = keyof typeof patchErrors

export const patchError = (code: PatchErrorCode, detail: string, cause?: unknown): IsthmusError =>
  new IsthmusError(code, `${detail} (${code}: ${patchErrors[code].text}.)`, {
    retryable: patchErrors[code].retryable,
    ...(cause === undefined ? {} : { cause }),
  })
